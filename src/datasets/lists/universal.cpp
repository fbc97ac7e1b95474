#include "datasets/lists/universal.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/text_file.h"
#include "core/universal_entry.h"
#include "datasets/json_stream.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::array<const char*, 11> kOrder{
    "uid",       "change_flag",   "before",        "after",          "img1_path",     "img2_path",
    "mask_path", "classes1_path", "classes2_path", "change_caption", "caption_source"};

bool is_path(std::string_view key) {
  constexpr std::array<std::string_view, 7> kPaths{"before",    "after",         "img1_path",    "img2_path",
                                                   "mask_path", "classes1_path", "classes2_path"};
  return std::find(kPaths.begin(), kPaths.end(), key) != kPaths.end();
}

std::string moved(const std::string& path, const PathMove& move) {
  if (path.empty() || (fs::path(path).is_absolute() && move.style == PathStyle::kAbsolute)) return path;
  const auto full = (move.from / path).lexically_normal();
  if (move.style == PathStyle::kAbsolute) return full.string();
  return fs::path(path).is_absolute() ? path : full.lexically_relative(move.to).string();
}

void put(ordered_json& to, const std::string& key, const json& value, const PathMove& move) {
  if (is_path(key) && value.is_string()) {
    to[key] = moved(value.get<std::string>(), move);
  } else {
    to[key] = value;
  }
}

void visit_data_list(const fs::path& list, const fs::path& image_root, const VisitExample& visit) {
  for (auto& example : data::read_data_list(list, image_root)) {
    const auto where = fmt::format("{}: uid {}", list.string(), example.uid);
    visit(std::move(example), where);
  }
}

}  // namespace

ordered_json moved_entry(const json& entry, const PathMove& move) {
  ordered_json result = ordered_json::object();
  for (const auto* key : kOrder) {
    if (entry.contains(key)) put(result, key, entry[key], move);
  }
  for (const auto& [key, value] : entry.items()) {
    if (!result.contains(key)) put(result, key, value, move);
  }
  return result;
}

PathMove move_between(const fs::path& list, const fs::path& output, const ListOptions& options) {
  const auto root = options.image_root.empty() ? folder_of_list(list) : options.image_root;
  // "" is the working folder, and has no absolute form of its own.
  return {fs::weakly_canonical(fs::current_path() / root),
          fs::weakly_canonical(fs::current_path() / folder_of_list(output)), options.paths};
}

void expect_new(const fs::path& file, bool overwrite) {
  if (!overwrite && is_there(file)) fail(file.string(), "exists already", "--overwrite replaces it");
}

bool is_data_list(const fs::path& file) {
  return file.extension() == ".yaml" || file.extension() == ".yml";
}

std::vector<fs::path> lists_of(const fs::path& path) {
  if (!is_folder(path)) return {path};
  std::vector<fs::path> lists;
  for (const auto* split : {"train", "val", "test"}) {
    for (const auto* extension : {".json", ".jsonl"}) {
      const auto list = path / (std::string(split) + extension);
      if (is_there(list)) lists.push_back(list);
    }
  }
  if (lists.empty())
    fail_expected({path.string(), "a folder with train.json, val.json or test.json", "none"});
  return lists;
}

data::ChangeExample example_of(const json& entry, const std::string& where, const fs::path& root) {
  return data::to_example(read_universal_entry(entry, where), root);
}

void visit_examples(const fs::path& list, const fs::path& image_root, const VisitExample& visit) {
  if (is_data_list(list)) return visit_data_list(list, image_root, visit);
  const auto root = image_root.empty() ? folder_of_list(list) : image_root;
  visit_elements(
      list, {}, [&](json& entry, const std::string& where) { visit(example_of(entry, where, root), where); });
}

void visit_training_examples(const fs::path& list, const fs::path& image_root, const VisitExample& visit,
                             const std::function<void(const std::string&)>& on_error) {
  if (is_data_list(list)) return visit_data_list(list, image_root, visit);
  const auto root = image_root.empty() ? folder_of_list(list) : image_root;
  const JsonPlace place{
      .bad_line = [&](const std::string& /*where*/, const std::string& problem) { on_error(problem); }};
  visit_elements(list, place, [&](json& entry, const std::string& where) {
    std::optional<data::ChangeExample> example;
    try {
      example = example_of(entry, where, root);
    } catch (const Fault&) {
      throw;
    } catch (const Error& error) {
      return on_error(error.what());
    }
    visit(std::move(*example), where);
  });
}

}  // namespace ccexpert::datasets

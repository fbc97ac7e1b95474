#include "datasets/shared/mix.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/printable.h"
#include "core/text_file.h"
#include "core/universal_entry.h"
#include "data/shared/data_list.h"
#include "datasets/json_stream.h"
#include "datasets/lists/universal.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using data::ListedDataset;

constexpr uint64_t kSeed = 42;  ///< default of read_data_list, to count the same random draws

struct Repeat {
  std::string name;
  int64_t count = 1;
};

Repeat parse_repeat(const std::string& text) {
  const auto equals = std::min(text.find('='), text.size());
  Repeat repeat{text.substr(0, equals), 0};
  const auto number = text.substr(std::min(equals + 1, text.size()));
  const auto [end, problem] = std::from_chars(number.data(), number.data() + number.size(), repeat.count);
  const bool valid = problem == std::errc() && end == number.data() + number.size() && repeat.count >= 1 &&
                     repeat.count <= data::kMaxRepeat;
  if (!valid || repeat.name.empty())
    fail_expected(
        {"repeat", fmt::format("NAME=N with N from 1 to {}", data::kMaxRepeat), fmt::format("'{}'", text)});
  return repeat;
}

void set_repeats(std::vector<ListedDataset>& datasets, const std::vector<std::string>& repeats) {
  for (const auto& text : repeats) {
    const auto repeat = parse_repeat(text);
    bool found = false;
    for (auto& dataset : datasets) {
      if (dataset.json_path.find(repeat.name) == std::string::npos) continue;
      dataset.repeat = repeat.count;
      found = true;
    }
    if (!found)
      fail_expected(
          {"repeat", "a name contained in a json_path of the recipe", fmt::format("'{}'", repeat.name)});
  }
}

/// Returns the number of captions of each of a file's pairs.
std::vector<size_t> captions_in(const fs::path& file) {
  std::vector<size_t> counts;
  visit_elements(file, {}, [&](nlohmann::json& entry, const std::string& where) {
    counts.push_back(read_universal_entry(entry, where).captions.size());
  });
  return counts;
}

MixPart counted(const ListedDataset& dataset, size_t place, const fs::path& file) {
  MixPart part{.json_path = dataset.json_path, .repeat = dataset.repeat};
  const auto counts = captions_in(file);
  for (const auto number : data::chosen_pairs(dataset, place, counts.size(), kSeed)) {
    const auto kept = data::kept_captions(dataset, {place, number}, counts[number], kSeed);
    ++part.pairs;
    part.captions += static_cast<int64_t>(kept.size());
  }
  return part;
}

/// Returns the file, or the same list in the other format if only that exists.
fs::path found_file(const fs::path& file) {
  if (is_there(file)) return file;
  auto other = file;
  other.replace_extension(file.extension() == ".json" ? ".jsonl" : ".json");
  return is_there(other) ? other : file;
}

std::string relative_to(const fs::path& folder, const fs::path& file) {
  return fs::weakly_canonical(fs::absolute(file))
      .lexically_relative(fs::weakly_canonical(fs::absolute(folder)))
      .string();
}

void emit(YAML::Emitter& out, const ListedDataset& dataset) {
  out << YAML::BeginMap << YAML::Key << "json_path" << YAML::Value << dataset.json_path;
  out << YAML::Key << "sampling_strategy" << YAML::Value << dataset.sampling_strategy.text();
  if (!dataset.captions.is_all()) out << YAML::Key << "captions" << YAML::Value << dataset.captions.text();
  if (dataset.repeat != 1) out << YAML::Key << "repeat" << YAML::Value << dataset.repeat;
  if (!dataset.image_root.empty()) out << YAML::Key << "image_root" << YAML::Value << dataset.image_root;
  out << YAML::EndMap;
}

std::string list_text(const std::vector<ListedDataset>& datasets, const fs::path& recipe) {
  YAML::Emitter out;
  out << YAML::Comment("made by ccexpert-data mix from " + recipe.filename().string());
  out << YAML::BeginMap << YAML::Key << "datasets" << YAML::Value << YAML::BeginSeq;
  for (const auto& dataset : datasets) emit(out, dataset);
  out << YAML::EndSeq << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

void refuse_missing(const std::vector<MixPart>& parts, const fs::path& root, bool skip) {
  std::vector<std::string> missing;
  for (const auto& part : parts) {
    if (part.missing) missing.push_back((root / part.json_path).string());
  }
  if (missing.empty() || (skip && missing.size() < parts.size())) return;
  fail_expected({"mix", "the recipe's files", fmt::format("none at {}", first_few(missing)),
                 "convert those sources first, or use --skip-missing"});
}

}  // namespace

std::vector<MixPart> mix(const fs::path& recipe, const fs::path& output, const MixOptions& options) try {
  expect_new(output, options.overwrite);
  auto datasets = data::read_listed_datasets(recipe);
  set_repeats(datasets, options.repeats);
  const auto root = options.root.empty() ? folder_of_list(recipe) : options.root;
  const auto folder = output.has_parent_path() ? output.parent_path() : fs::path(".");
  std::vector<MixPart> parts;
  std::vector<ListedDataset> there;
  for (auto& dataset : datasets) {
    const auto file = found_file(root / dataset.json_path);
    if (!is_there(file)) {
      parts.push_back({.json_path = dataset.json_path, .missing = true});
      continue;
    }
    parts.push_back(counted(dataset, there.size(), file));
    dataset.json_path = relative_to(folder, file);
    if (!dataset.image_root.empty()) dataset.image_root = relative_to(folder, root / dataset.image_root);
    there.push_back(dataset);
  }
  refuse_missing(parts, root, options.skip_missing);
  make_folder(folder);
  write_file(output, list_text(there, recipe));
  return parts;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::datasets

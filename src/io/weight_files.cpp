#include "io/weight_files.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include <ccexpert/io/safetensors.h>

#include "core/files.h"
#include "core/folder_entries.h"
#include "core/json.h"
#include "core/printable.h"
#include "io/folder_kind.h"
#include "io/shared/open_weights.h"
#include "io/tensor_sets.h"
#include "io/torch_archive.h"

namespace ccexpert::io {
namespace {

namespace fs = std::filesystem;
using Sources = std::vector<std::unique_ptr<TensorSource>>;

std::unique_ptr<TensorSource> open_weights_file(const fs::path& path, std::string_view inner = {}) {
  return path.extension() == ".safetensors" ? open_safetensors(path) : open_torch_archive(path, inner);
}

/// Returns the content of an index: tensor name to file name.
std::map<std::string, std::string> read_index(const fs::path& index) {
  const auto parsed = parse_json(read_file(index), index.string());
  const auto map = parsed.is_object() ? parsed.find("weight_map") : parsed.end();
  if (!parsed.is_object() || map == parsed.end() || !map->is_object() || map->empty()) {
    fail_expected({index.string(), "an object weight_map of tensor names and files", "none"});
  }
  std::map<std::string, std::string> files;
  for (const auto& [name, file] : map->items()) {
    const bool plain = file.is_string() && !file.get<std::string>().empty() &&
                       fs::path(file.get<std::string>()).filename() == file.get<std::string>() &&
                       file != "." && file != "..";
    if (!plain) fail_expected({index.string(), fmt::format("a file name for {}", name), json_shown(file)});
    files[name] = file.get<std::string>();
  }
  return files;
}

/// Returns all differences between the shards and their index.
std::vector<std::string> index_problems(const std::map<std::string, std::string>& index,
                                        const std::map<std::string, std::unique_ptr<TensorSource>>& shards) {
  std::vector<std::string> problems;
  for (const auto& [name, file] : index) {
    if (shards.at(file)->find(name) == nullptr)
      problems.push_back(fmt::format("{} is not in {}", name, file));
  }
  for (const auto& [file, shard] : shards) {
    for (const auto& info : shard->tensors()) {
      const auto listed = index.find(info.name);
      if (listed == index.end()) {
        problems.push_back(fmt::format("{} of {} is not listed", info.name, file));
      } else if (listed->second != file) {
        problems.push_back(fmt::format("{} is in {} too, listed for {}", info.name, file, listed->second));
      }
    }
  }
  return problems;
}

Sources open_shards(const fs::path& index_path) {
  const auto index = read_index(index_path);
  std::set<std::string> files;
  for (const auto& [name, file] : index) files.insert(file);
  std::vector<std::string> problems;
  for (const auto& file : files) {
    if (!is_there(index_path.parent_path() / file)) problems.push_back(fmt::format("{} is missing", file));
  }
  std::map<std::string, std::unique_ptr<TensorSource>> shards;
  if (problems.empty()) {
    for (const auto& file : files) shards[file] = open_weights_file(index_path.parent_path() / file);
    problems = index_problems(index, shards);
  }
  if (!problems.empty())
    fail(index_path.string(), fmt::format("does not fit its shards: {}", first_few(problems, 5, "; ")));
  Sources parts;
  for (auto& [file, shard] : shards) parts.push_back(std::move(shard));
  return parts;
}

bool any_name(const TensorSource& source, std::string_view part) {
  return std::any_of(source.tensors().begin(), source.tensors().end(),
                     [&](const TensorInfo& info) { return info.name.find(part) != std::string::npos; });
}

bool is_adapter(const TensorSource& source) {
  return any_name(source, ".lora_A.") || any_name(source, ".lora_B.");
}

/// Returns the content of a file with an unusual name if it is not a whole model; empty if it is. Averaged
/// weights have the same names as a model, and shards a part of them, so the file's name decides.
std::string_view other_content(const fs::path& path, const TensorSource& source) {
  const auto name = path.filename().string();
  if (is_adapter(source)) return "an adapter";
  if (name.find("optim") != std::string::npos || any_name(source, "exp_avg")) return "an optimizer's state";
  if (name.find("ema") != std::string::npos) return "averaged weights";
  if (name.find("-of-") != std::string::npos) return "a shard whose index is missing";
  return any_name(source, "embed_tokens.weight") ? "" : "not a whole model";
}

/// Opens the only *.safetensors file, of any name, that contains a whole model.
Sources open_lone_file(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& path : folder_entries(folder)) {
    if (path.extension() == ".safetensors") files.push_back(path);
  }
  std::vector<std::string> others;
  Sources whole;
  for (const auto& file : files) {
    auto source = open_safetensors(file);
    const auto content = other_content(file, *source);
    if (content.empty())
      whole.push_back(std::move(source));
    else
      others.push_back(fmt::format("{} ({})", file.filename().string(), content));
  }
  if (whole.size() == 1) return whole;
  if (whole.size() > 1)
    fail_expected({folder.string(), "one file of weights",
                   fmt::format("{} files with a whole model", whole.size()),
                   "rename the one to use to model.safetensors"});
  fail_expected({folder.string(), "weights in it", others.empty() ? "none" : first_few(others),
                 "model.safetensors, model.safetensors.index.json with its shards, or pytorch_model.bin"});
}

}  // namespace

Sources open_weight_files(const fs::path& folder) {
  Sources parts;
  for (const std::string stem : {"model.safetensors", "pytorch_model.bin"}) {
    const fs::path index = folder / (stem + ".index.json");
    if (is_there(folder / stem)) {
      parts.push_back(open_weights_file(folder / stem));
      break;
    }
    if (is_there(index)) {
      parts = open_shards(index);
      break;
    }
  }
  if (parts.empty()) parts = open_lone_file(folder);
  if (std::any_of(parts.begin(), parts.end(), [](const auto& part) { return is_adapter(*part); }))
    fail_for_adapter(folder);
  return parts;
}

std::unique_ptr<TensorSource> open_weights(const fs::path& path, std::string_view inner) {
  if (!is_folder(path)) return open_weights_file(path, inner);
  return std::make_unique<TensorSet>(open_weight_files(path), [](const std::string& name) { return name; });
}

}  // namespace ccexpert::io

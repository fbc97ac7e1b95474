#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/io/checkpoint.h>
#include <ccexpert/io/torch_archive.h>

#include "core/files.h"
#include "core/json.h"
#include "io/tensor_sets.h"

namespace ccexpert::io {
namespace {

namespace fs = std::filesystem;

std::string read_if_there(const fs::path& path) {
  return fs::exists(path) ? read_file(path) : std::string();
}

std::string trimmed(std::string text) {
  text.erase(
      std::find_if_not(text.rbegin(), text.rend(), [](unsigned char c) { return std::isspace(c); }).base(),
      text.end());
  return text;
}

/// The folder with config.json: `folder` itself, or the snapshot of a hub's cache folder that refs/main
/// names.
fs::path resolve_folder(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    fail({folder.string(), "a checkpoint folder", fs::exists(folder) ? "a file" : "nothing there"});
  }
  if (fs::exists(folder / "config.json")) return folder;
  const fs::path snapshots = folder / "snapshots";
  if (fs::is_directory(snapshots)) {
    const std::string revision = trimmed(read_if_there(folder / "refs" / "main"));
    // A revision is a hash; anything else would be a path that somebody put there.
    const bool plain =
        !revision.empty() && revision.find('/') == std::string::npos && revision.front() != '.';
    if (plain && fs::exists(snapshots / revision / "config.json")) return snapshots / revision;
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(snapshots)) {
      if (fs::exists(entry.path() / "config.json")) found.push_back(entry.path());
    }
    if (found.size() == 1) return found.front();
    fail({folder.string(), "one snapshot with config.json", std::to_string(found.size()),
          "name the snapshot's folder"});
  }
  fail({folder.string(), "config.json in it", "none",
        "a checkpoint folder holds config.json, weights and a tokenizer"});
}

std::unique_ptr<TensorSource> open_weights_file(const fs::path& path) {
  return path.extension() == ".safetensors" ? open_safetensors(path) : open_torch_archive(path);
}

/// What an index promises: tensor name to file name.
std::map<std::string, std::string> read_index(const fs::path& index) {
  const auto parsed = parse_json(read_file(index), index.string());
  const auto map = parsed.is_object() ? parsed.find("weight_map") : parsed.end();
  if (!parsed.is_object() || map == parsed.end() || !map->is_object() || map->empty()) {
    fail({index.string(), "an object weight_map of tensor names and files", "none"});
  }
  std::map<std::string, std::string> files;
  for (const auto& [name, file] : map->items()) {
    const bool plain = file.is_string() && !file.get<std::string>().empty() &&
                       fs::path(file.get<std::string>()).filename() == file.get<std::string>();
    if (!plain) fail({index.string(), fmt::format("a file name for {}", name), file.dump().substr(0, 80)});
    files[name] = file.get<std::string>();
  }
  return files;
}

/// Everything that the shards and their index disagree on.
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

std::vector<std::unique_ptr<TensorSource>> open_shards(const fs::path& index_path) {
  const auto index = read_index(index_path);
  std::set<std::string> files;
  for (const auto& [name, file] : index) files.insert(file);
  std::vector<std::string> problems;
  for (const auto& file : files) {
    if (!fs::exists(index_path.parent_path() / file)) problems.push_back(fmt::format("{} is missing", file));
  }
  std::map<std::string, std::unique_ptr<TensorSource>> shards;
  if (problems.empty()) {
    for (const auto& file : files) shards[file] = open_weights_file(index_path.parent_path() / file);
    problems = index_problems(index, shards);
  }
  if (!problems.empty())
    fail(index_path.string(), fmt::format("does not fit its shards: {}", fmt::join(problems, "; ")));
  std::vector<std::unique_ptr<TensorSource>> parts;
  for (auto& [file, shard] : shards) parts.push_back(std::move(shard));
  return parts;
}

std::vector<fs::path> lone_safetensors(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".safetensors") found.push_back(entry.path());
  }
  return found;
}

std::vector<std::unique_ptr<TensorSource>> open_parts(const fs::path& folder) {
  std::vector<std::unique_ptr<TensorSource>> parts;
  for (const char* stem : {"model.safetensors", "pytorch_model.bin"}) {
    const fs::path index = folder / (std::string(stem) + ".index.json");
    if (fs::exists(folder / stem)) {
      parts.push_back(open_weights_file(folder / stem));
      return parts;
    }
    if (fs::exists(index)) return open_shards(index);
    const auto lone = lone_safetensors(folder);
    if (lone.size() == 1) {
      parts.push_back(open_safetensors(lone.front()));
      return parts;
    }
  }
  fail({folder.string(), "weights in it", "none",
        "model.safetensors, model.safetensors.index.json with its shards, or pytorch_model.bin"});
}

CheckpointLayout layout_of(const std::vector<std::unique_ptr<TensorSource>>& parts) {
  for (const auto& part : parts) {
    for (const auto& info : part->tensors()) {
      const std::string_view name = info.name;
      if (name.find("multi_modal_projector.") != std::string_view::npos) return CheckpointLayout::kLlavaHf;
    }
  }
  return CheckpointLayout::kAuthors;
}

/// A name without a counterpart is kept: whoever loads the weights lists it as unexpected.
std::string renamed(const std::string& name) {
  const auto known = authors_name(name);
  return known.empty() ? name : known;
}

}  // namespace

Checkpoint open_checkpoint(const fs::path& folder) {
  Checkpoint checkpoint;
  checkpoint.folder = resolve_folder(folder);
  checkpoint.config_json = read_file(checkpoint.folder / "config.json");
  checkpoint.preprocessor_json = read_if_there(checkpoint.folder / "preprocessor_config.json");
  checkpoint.generation_json = read_if_there(checkpoint.folder / "generation_config.json");
  auto parts = open_parts(checkpoint.folder);
  checkpoint.layout = layout_of(parts);
  const bool rename = checkpoint.layout == CheckpointLayout::kLlavaHf;
  checkpoint.weights = std::make_unique<TensorSet>(
      std::move(parts), [rename](const std::string& name) { return rename ? renamed(name) : name; });
  return checkpoint;
}

}  // namespace ccexpert::io

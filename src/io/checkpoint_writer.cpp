#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/io/checkpoint.h>

#include "core/files.h"
#include "io/atomic_file.h"

namespace ccexpert::io {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCopiedFiles[] = {
    "tokenizer.json",     "tokenizer_config.json",    "vocab.json",
    "merges.txt",         "added_tokens.json",        "special_tokens_map.json",
    "chat_template.json", "preprocessor_config.json", "generation_config.json"};

void write_text(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

/// Tensors in the order of their names, cut into runs of at most `limit` bytes (one tensor may exceed it
/// alone).
std::vector<std::vector<NamedTensor>> cut_into_shards(std::vector<NamedTensor> tensors, int64_t limit) {
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::vector<std::vector<NamedTensor>> shards(1);
  int64_t bytes = 0;
  for (auto& tensor : tensors) {
    const auto size = static_cast<int64_t>(tensor.tensor.nbytes());
    if (bytes + size > limit && !shards.back().empty()) {
      shards.emplace_back();
      bytes = 0;
    }
    bytes += size;
    shards.back().push_back(std::move(tensor));
  }
  return shards;
}

void write_index(const fs::path& path, const std::vector<std::pair<std::string, std::string>>& places,
                 int64_t total) {
  nlohmann::ordered_json index;
  index["metadata"]["total_size"] = total;
  for (const auto& [name, file] : places) index["weight_map"][name] = file;
  write_text(path, index.dump(2) + "\n");
}

void write_shards(const fs::path& folder, const std::vector<std::vector<NamedTensor>>& shards) {
  std::vector<std::pair<std::string, std::string>> places;
  int64_t total = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string file = fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    write_safetensors(folder / file, shards[i]);
    for (const auto& tensor : shards[i]) {
      places.emplace_back(tensor.name, file);
      total += static_cast<int64_t>(tensor.tensor.nbytes());
    }
  }
  write_index(folder / "model.safetensors.index.json", places, total);
}

void copy_companions(const fs::path& from, const fs::path& to) {
  for (const char* name : kCopiedFiles) {
    if (fs::exists(from / name)) write_text(to / name, read_file(from / name));
  }
}

}  // namespace

void write_checkpoint(const CheckpointToWrite& checkpoint) {
  if (checkpoint.tensors.empty()) fail({checkpoint.folder.string(), "tensors to write", "none"});
  std::error_code code;
  fs::create_directories(checkpoint.folder, code);
  if (code) fail(checkpoint.folder.string(), "cannot be made", code.message());
  if (!checkpoint.tokenizer_from.empty()) copy_companions(checkpoint.tokenizer_from, checkpoint.folder);
  const auto shards = cut_into_shards(checkpoint.tensors, checkpoint.shard_bytes);
  const fs::path single = checkpoint.folder / "model.safetensors";
  const fs::path index = checkpoint.folder / "model.safetensors.index.json";
  if (shards.size() == 1) {
    write_safetensors(single, shards.front());
    fs::remove(index, code);  // of an earlier, sharded checkpoint in this folder
  } else {
    write_shards(checkpoint.folder, shards);
    fs::remove(single, code);
  }
  write_text(checkpoint.folder / "config.json", checkpoint.config_json);
}

}  // namespace ccexpert::io

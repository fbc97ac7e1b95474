#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/io/checkpoint.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "io/image_processor.h"

namespace ccexpert::io {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";
constexpr const char* kCompanions[] = {"tokenizer.json",
                                       "tokenizer_config.json",
                                       "tokenizer.model",
                                       "vocab.json",
                                       "merges.txt",
                                       "added_tokens.json",
                                       "special_tokens_map.json",
                                       "chat_template.json",
                                       "chat_template.jinja",
                                       "processor_config.json",
                                       "video_preprocessor_config.json",
                                       "generation_config.json"};

/// Returns the tensors with the names of the checkpoint's layout.
std::vector<NamedTensor> in_layout(const CheckpointToWrite& checkpoint) {
  auto tensors = checkpoint.tensors;
  if (checkpoint.layout == nullptr) return tensors;
  for (auto& tensor : tensors) {
    const auto name = file_name(*checkpoint.layout, tensor.name);
    if (name.empty())
      fail_expected({checkpoint.folder.string(),
                     fmt::format("tensors of the {} layout", checkpoint.layout->name), tensor.name});
    tensor.name = name;
  }
  return tensors;
}

/// Sorts tensors by name and splits them into runs of at most `limit` bytes (a single tensor may exceed it).
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

/// File of weights and its tensors.
struct Shard {
  std::string file;
  std::vector<NamedTensor> tensors;
};

std::vector<Shard> name_shards(std::vector<std::vector<NamedTensor>> runs) {
  std::vector<Shard> shards;
  const size_t count = runs.size();
  for (auto& run : runs) {
    const auto number = shards.size() + 1;
    shards.push_back({count == 1 ? std::string(kSingleFile)
                                 : fmt::format("model-{:05}-of-{:05}.safetensors", number, count),
                      std::move(run)});
  }
  return shards;
}

std::string index_text(const std::vector<Shard>& shards) {
  nlohmann::ordered_json index;
  int64_t total = 0;
  for (const auto& shard : shards) {
    for (const auto& tensor : shard.tensors) {
      index["weight_map"][tensor.name] = shard.file;
      total += static_cast<int64_t>(tensor.tensor.nbytes());
    }
  }
  index["metadata"]["total_size"] = total;
  return index.dump(2) + "\n";
}

/// Writes files of one folder and records their paths.
class FolderWriter {
 public:
  explicit FolderWriter(fs::path folder) : folder_(std::move(folder)) {
    std::error_code code;
    fs::create_directories(folder_, code);
    if (code) fail_system(folder_.string(), "cannot be created", code.value());
  }

  void text(const std::string& name, std::string_view content) {
    write_file(folder_ / name, content);
    files_.push_back(folder_ / name);
  }
  void weights(const Shard& shard, const WholeTensor& whole) {
    write_safetensors(folder_ / shard.file, shard.tensors, {{"format", "pt"}}, whole);
    files_.push_back(folder_ / shard.file);
  }
  /// Removes a file that an earlier checkpoint in this folder may have left.
  void remove(const char* name) {
    std::error_code code;
    fs::remove(folder_ / name, code);
  }
  std::vector<fs::path> files() && { return std::move(files_); }

 private:
  fs::path folder_;
  std::vector<fs::path> files_;
};

/// Asks for the values of tensors that several processes hold together: always for all, in one order.
class WholeTensors {
 public:
  WholeTensors(const std::vector<Shard>& shards, const WholeTensor& whole) : whole_(whole) {
    if (!whole_) return;
    for (const auto& shard : shards) {
      for (const auto& tensor : shard.tensors) order_.push_back(tensor.tensor);
    }
  }
  /// Asks for what was not asked for.
  ~WholeTensors() {
    try {
      skip(order_.size() - next_);
    } catch (const std::exception&) {
      // The other processes are gone; the error that led here says why.
      next_ = order_.size();
    }
  }
  WholeTensors(const WholeTensors&) = delete;
  WholeTensors& operator=(const WholeTensors&) = delete;

  /// Returns a function that gives the values of the tensors that follow; null if they are whole.
  WholeTensor following() {
    if (!whole_) return nullptr;
    return [this](const at::Tensor& tensor) {
      ++next_;
      return whole_(tensor);
    };
  }
  void skip(size_t count) {
    for (const size_t end = std::min(order_.size(), next_ + count); next_ < end;) whole_(order_[next_++]);
  }

 private:
  const WholeTensor whole_;
  std::vector<at::Tensor> order_;
  size_t next_ = 0;
};

}  // namespace

std::vector<CompanionFile> read_companions(const fs::path& folder) try {
  if (!is_folder(folder)) fail_expected({folder.string(), "a folder with a tokenizer", "nothing there"});
  std::vector<CompanionFile> companions;
  for (const char* name : kCompanions) {
    if (is_there(folder / name)) companions.push_back({name, read_file(folder / name)});
  }
  // Only this file is read by every version of transformers, so the settings go there from either source.
  if (auto processor = read_image_processor(folder).json; !processor.empty())
    companions.push_back({kImageProcessorFile, std::move(processor)});
  constexpr std::array kTokenizers{"tokenizer.json", "vocab.json", "tokenizer.model"};
  const bool has_tokenizer = std::any_of(kTokenizers.begin(), kTokenizers.end(),
                                         [&](const char* name) { return is_there(folder / name); });
  if (!has_tokenizer)
    fail_expected({folder.string(), "tokenizer.json, vocab.json or tokenizer.model", "none"});
  return companions;
} catch (...) {
  rethrow_as_error();
}

std::vector<fs::path> write_checkpoint(const CheckpointToWrite& checkpoint) try {
  if (checkpoint.tensors.empty()) fail_expected({checkpoint.folder.string(), "tensors to write", "none"});
  const auto shards = name_shards(cut_into_shards(in_layout(checkpoint), checkpoint.shard_bytes));
  WholeTensors whole(shards, checkpoint.whole);
  FolderWriter writer(checkpoint.folder);
  const bool leads = checkpoint.part == 0;
  if (leads) {
    for (const auto& companion : checkpoint.companions) writer.text(companion.name, companion.bytes);
  }
  for (size_t i = 0; i < shards.size(); ++i) {
    if (static_cast<int>(i % static_cast<size_t>(checkpoint.parts)) == checkpoint.part) {
      writer.weights(shards[i], whole.following());
    } else {
      whole.skip(shards[i].tensors.size());
    }
  }
  if (!leads) return std::move(writer).files();
  if (shards.size() > 1) writer.text(kIndexFile, index_text(shards));
  writer.remove(shards.size() > 1 ? kSingleFile : kIndexFile);
  writer.text("config.json", checkpoint.config_json);
  return std::move(writer).files();
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::io

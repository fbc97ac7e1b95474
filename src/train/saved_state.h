// Optimiser's state in a checkpoint's files, for any number of ranks and any ZeRO stage.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "train/sharded_adamw.h"

namespace ccexpert::train {

inline constexpr const char* kTrainerFile = "trainer.json";
/// Key of trainer.json that is true if the buckets are those of blocks (ZeRO stage 3).
inline constexpr const char* kByBlocks = "buckets_by_blocks";

/// Returns the buckets with their parameters, for trainer.json.
nlohmann::json buckets_json(const ShardedAdamW& optimizer);

class SavedState {
 public:
  /// Elements [begin,end) of a bucket.
  struct Range {
    size_t bucket = 0;
    int64_t begin = 0;
    int64_t end = 0;
  };

  /// Opens the state files that `trainer` lists. Throws Error if they belong to other parameters or another
  /// dtype, or if their buckets differ and neither run shards its weights.
  SavedState(const std::filesystem::path& folder, const nlohmann::json& trainer,
             const ShardedAdamW& optimizer);

  /// Returns "weights", "mean" or "square" of a bucket of the optimiser.
  at::Tensor read(const Range& range, const std::string& part) const;

 private:
  /// State file of one rank with elements [begin,end) of each bucket.
  struct File {
    std::unique_ptr<io::TensorSource> tensors;
    std::vector<std::pair<int64_t, int64_t>> ranges;
  };
  /// First element of a parameter in the files.
  struct Place {
    size_t bucket = 0;
    int64_t offset = 0;
  };

  void expect_parameters(const nlohmann::json& trainer, const ShardedAdamW& optimizer);
  bool find_places(const nlohmann::json& buckets);
  void open_files(const nlohmann::json& trainer);
  void expect_dtype(const ShardedAdamW& optimizer) const;
  File open_file(const nlohmann::json& item) const;
  at::Tensor assemble(const Range& range, const std::string& part) const;

  std::filesystem::path folder_;
  std::vector<ShardedAdamW::BucketLayout> layout_;
  size_t saved_buckets_ = 0;
  std::map<std::string, Place> places_;  // by parameter; empty if the buckets are the optimiser's
  std::vector<File> files_;
};

}  // namespace ccexpert::train

/// A checkpoint of a run: the model, loadable by everyone, and beside it what an exact continuation needs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ccexpert/data/sampler.h>
#include <ccexpert/distributed/communicator.h>
#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/train/sharded_adamw.h>

namespace ccexpert::train {

/// Where a run stands; the order of samples and fresh weights come from the config's seed and this alone.
struct Progress {
  int64_t step = 0;                 ///< optimiser steps begun, skipped ones included
  int64_t updates = 0;              ///< optimiser steps that changed weights
  int64_t samples = 0;              ///< seen so far
  int64_t epoch_samples = 0;        ///< of the data that the position counts in
  int64_t skipped_updates = 0;      ///< steps whose gradients were not finite
  int64_t skipped_samples = 0;      ///< left out on all ranks
  data::Position position = {};     ///< the global batch that comes next
  int64_t evaluated = 0;            ///< step of the last evaluation
  std::string metric = {};          ///< what `best` is a score of
  std::optional<double> best = {};  ///< best score so far
  int64_t best_step = 0;            ///< where that was (0: nowhere yet)

  bool operator==(const Progress&) const = default;
};

/// What does not change during a run and stands in every checkpoint of it.
struct CheckpointTexts {
  std::string config_json;                                       ///< the model's
  std::string config_yaml;                                       ///< the run's
  std::vector<io::CompanionFile> companions;                     ///< of tokenizer and preprocessor
  io::CheckpointLayout layout = io::CheckpointLayout::kAuthors;  ///< of config, companions and weights
  /// Written beside the model's weights (tensors_for_others).
  std::vector<io::NamedTensor> for_others = {};
  /// What trains beside the model, for auxiliary.safetensors.
  std::vector<io::NamedTensor> auxiliary = {};
};

/// Called by all ranks, each of which writes its shard of the optimiser's state and its share of the model's
/// files: `folder`/{config.json, model*.safetensors, tokenizer files} as a model, {optimizer-*.safetensors,
/// trainer.json, config.yaml} for the run, manifest.json with every file's size and checksum. The folder
/// appears whole or not at all. Throws Error on every rank where one fails.
void write_training_state(const std::filesystem::path& folder, const CcexpertModel& model,
                          const ShardedAdamW& optimizer, const Progress& progress,
                          const CheckpointTexts& texts, distributed::Communicator& communicator);

/// Throws Error naming the file that is missing, of another size or of other content than the manifest says.
/// `parts` ranks that call it with their `part` share the reading of large files.
void verify_training_state(const std::filesystem::path& folder, int part = 0, int parts = 1);

/// Called by all ranks, with a model that holds `folder`'s weights: the optimiser takes over its state,
/// whatever number of ranks and ZeRO stage wrote it. Throws Error where it belongs to other parameters.
Progress read_training_state(const std::filesystem::path& folder, ShardedAdamW& optimizer);

}  // namespace ccexpert::train

// Checkpoint of a run: a model that any reader of its layout can load, and the state for an exact
// continuation.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/ccexpert_model.h>

#include "data/shared/sampler.h"
#include "distributed/shared/communicator.h"
#include "train/lora_run.h"
#include "train/sharded_adamw.h"

namespace ccexpert::train {

/// Position of a run. It and the config's seed fully determine the sample order and fresh weights.
struct Progress {
  int64_t step = 0;                 ///< optimiser steps begun, skipped ones included
  int64_t updates = 0;              ///< optimiser steps that changed weights
  int64_t samples = 0;              ///< seen so far
  int64_t epoch_samples = 0;        ///< samples per epoch of the data that `position` refers to
  std::string pairs = {};           ///< checksum of that data (empty in older checkpoints)
  int64_t skipped_updates = 0;      ///< steps whose gradients were not finite
  int64_t skipped_samples = 0;      ///< left out on all ranks
  data::Position position = {};     ///< the next global batch
  int64_t evaluated = 0;            ///< step of the last evaluation
  std::string metric = {};          ///< metric of `best`
  std::optional<double> best = {};  ///< best score so far
  int64_t best_step = 0;            ///< step of the best score (0: none yet)

  bool operator==(const Progress&) const = default;
};

/// Content of every checkpoint that does not change during a run.
struct CheckpointTexts {
  std::string config_json;                                       ///< the model's
  std::string config_yaml;                                       ///< the run's
  std::vector<io::CompanionFile> companions;                     ///< of tokenizer and preprocessor
  io::CheckpointLayout layout = io::CheckpointLayout::kAuthors;  ///< of config, companions and weights
  /// Tensors written beside the model's weights for other programs (tensors_for_others).
  std::vector<io::NamedTensor> for_others = {};
  /// Parameters trained beside the model, for auxiliary.safetensors.
  std::vector<io::NamedTensor> auxiliary = {};
  /// Shards of the model's weights, in a pass that gathers those outside of blocks; null: this rank holds
  /// all.
  WeightShards* shards = nullptr;
  /// LoRA adapter of the run, saved beside the weights that it belongs to.
  AdapterFiles adapter = {};
};

/// Writes a checkpoint. All ranks call it, and each writes its shard of the optimiser's state and its share
/// of the model's files: `folder`/{config.json, model*.safetensors, tokenizer files} as a model,
/// {optimizer-*.safetensors, trainer.json, config.yaml} for the run, manifest.json with size and checksum of
/// every file. The folder appears complete or not at all. Throws Error on every rank if one fails.
void write_training_state(const std::filesystem::path& folder, model::CcexpertModel& model,
                          const ShardedAdamW& optimizer, const Progress& progress,
                          const CheckpointTexts& texts, distributed::Communicator& communicator);

/// Throws Error with the file that is missing, or whose size or content differs from the manifest. `parts`
/// ranks that call it, each with its `part`, share the reading of large files.
void verify_training_state(const std::filesystem::path& folder, int part = 0, int parts = 1);

/// Restores the optimiser's state from any number of ranks and any ZeRO stage, and returns the progress. All
/// ranks call it, with a model that has the weights of `folder`. Throws Error if the state belongs to other
/// parameters.
Progress read_training_state(const std::filesystem::path& folder, ShardedAdamW& optimizer);

}  // namespace ccexpert::train

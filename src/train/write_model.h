// Checkpoint folder of a model without training state.
#pragma once

#include <filesystem>
#include <vector>

#include <ccexpert/core/precision.h>
#include <ccexpert/io/checkpoint.h>

namespace ccexpert::train {

struct ModelToWrite {
  const io::Checkpoint& checkpoint;           ///< config, preprocessor and weights of the model
  std::vector<io::CompanionFile> companions;  ///< of a checkpoint in any layout
  std::filesystem::path to;                   ///< created if missing
  Precision dtype;
  io::CheckpointLayout layout;
  double shard_mb;  ///< largest size of one file of weights
};

/// Builds the model, which checks names and shapes of all weights, and writes it. Throws Error.
void write_model(ModelToWrite request);

}  // namespace ccexpert::train

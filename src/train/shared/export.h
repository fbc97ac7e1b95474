/// Export of a model from a training checkpoint.
#pragma once

#include <filesystem>

#include <ccexpert/core/precision.h>
#include <ccexpert/io/layout.h>

namespace ccexpert::train {

struct ExportRequest {
  std::filesystem::path from;  ///< any checkpoint folder; a LoRA adapter in it is merged
  std::filesystem::path to;    ///< created if missing
  Precision dtype = Precision::kBfloat16;
  io::CheckpointLayout layout = io::CheckpointLayout::kAuthors;
  double shard_mb = 5000.0;            ///< largest size of one file of weights
  std::filesystem::path adapter = {};  ///< folder of another LoRA adapter to merge; empty: none
};

/// Writes config.json, weights in `dtype` and tokenizer files, without the training state. Throws Error.
void export_model(const ExportRequest& request);

}  // namespace ccexpert::train

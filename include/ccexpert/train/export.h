/// A model out of a training checkpoint, for others to use.
#pragma once

#include <filesystem>
#include <string>

namespace ccexpert::train {

struct ExportRequest {
  std::filesystem::path from;  ///< any checkpoint folder
  std::filesystem::path to;    ///< made if need be
  std::string dtype = "bfloat16";
  std::string layout = "lmms";  ///< or "llava-hf"
  double shard_mb = 5000.0;     ///< most of one file of weights
};

/// Writes config.json, weights in `dtype` and tokenizer files; nothing of the training. Throws Error.
void export_model(const ExportRequest& request);

}  // namespace ccexpert::train

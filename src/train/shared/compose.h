/// Composition of a base to train from.
#pragma once

#include <cstdint>
#include <filesystem>

#include <ccexpert/core/precision.h>

namespace ccexpert::train {

struct ComposeRequest {
  std::filesystem::path vision;   ///< folder of a SigLIP or SigLIP2 model
  std::filesystem::path decoder;  ///< folder of a Qwen2, Qwen2.5 or Qwen3 model, with its tokenizer
  std::filesystem::path to;       ///< created if missing
  int64_t image_size = 0;         ///< side in pixels, for a NaFlex tower only; 0: that of its positions
  Precision dtype = Precision::kBfloat16;
  double shard_mb = 5000.0;  ///< largest size of one file of weights
};

/// Writes a LLaVA-style base of both with a fresh projector (model::compose_base). The decoder's
/// generation_config.json is left out, since its sampling and its penalties are those of a chat. Throws
/// Error.
void compose_model(const ComposeRequest& request);

}  // namespace ccexpert::train

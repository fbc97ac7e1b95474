// Checkpoints with weights of 8 or 4 bits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ccexpert/captioner.h>

#include "model/shared/int8_model.h"

namespace ccexpert::generate {

/// Relative errors of a matrix in 8 or 4 bits: norm of the difference over the norm of the float32 value.
struct MatrixError {
  std::string name;              ///< of the matrix in the checkpoint
  double weights = 0.0;          ///< of its values
  std::optional<double> output;  ///< of its product's results on the sample pairs; nothing without pairs
};

/// Logits of another model beside those of float32, before each token of the samples' captions, of
/// which both see the float32 model's.
struct LogitAgreement {
  int64_t tokens = 0;
  double least_cosine = 1.0, mean_cosine = 1.0;
  double same_choice = 1.0;  ///< share of the tokens whose largest logit is the same one
};

struct QuantizeReport {
  std::vector<MatrixError> matrices = {};     ///< in the order of the names
  std::optional<LogitAgreement> logits = {};  ///< nothing without sample pairs
  /// Of the model in bfloat16, if they were asked for.
  std::optional<LogitAgreement> bfloat16_logits = {};
};

struct QuantizeRequest {
  std::filesystem::path from;               ///< checkpoint folder of any layout
  std::filesystem::path to;                 ///< folder to write, empty or missing
  std::span<const ImagePair> samples = {};  ///< pairs whose captions are computed to measure output errors
  bool beside_bfloat16 = false;             ///< true: also compares the logits of bfloat16 on them
  /// Weights of the decoder's blocks.
  model::BlockWeights blocks = model::BlockWeights::kInt8;
  double shard_mb = 5000.0;  ///< largest size of one file of weights
  /// Called after each tensor with the numbers of tensors done and in all; may be empty.
  std::function<void(int64_t done, int64_t all)> progress = {};
};

/// Writes the model with matrices of int8 or int4 and their scales in the authors' names, and its texts,
/// whose config.json gets the key "ccexpert_quantization". Other tensors keep their dtype. Keys and values of
/// the tokens before the first image of the model's own question are written in float32, computed from the
/// weights before they are rounded. Throws Error for a checkpoint that already is int8, and if `to` is `from`
/// or has files.
QuantizeReport quantize_checkpoint(const QuantizeRequest& request);

}  // namespace ccexpert::generate

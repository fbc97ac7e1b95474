/// Average of the weights of several checkpoints.
#pragma once

#include <filesystem>
#include <vector>

namespace ccexpert::train {

struct AverageRequest {
  std::vector<std::filesystem::path> from;  ///< checkpoint folders of one model, at least one
  std::filesystem::path to;                 ///< does not exist yet, or is empty
  std::vector<double> weights = {};         ///< of the checkpoints, divided by their sum; empty: equal
  double shard_mb = 5000.0;                 ///< largest size of one file of weights
};

/// Writes the average of each tensor, summed in float32 and rounded to its dtype once (Wortsman et al., 2022:
/// model soups). Config, tokenizer and other texts are those of the first checkpoint, and those of the others
/// must be the same. Names, shapes and dtypes of the tensors must be equal, and the values of tensors that
/// are not floating-point. Two tensors at most are in memory at once. The folder appears complete or not at
/// all. Throws Error.
void average_checkpoints(const AverageRequest& request);

}  // namespace ccexpert::train

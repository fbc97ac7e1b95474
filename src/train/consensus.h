// Weights of a pair's captions by their agreement with each other.
#pragma once

#include <vector>

#include <ccexpert/data/change_dataset.h>

#include "train/objective.h"

namespace ccexpert::train {

/// Weights of captions by pair and caption; empty if all are 1.
using CaptionWeights = std::vector<std::vector<float>>;

/// Returns for each caption its CIDEr-D against the pair's other captions to the power `strength`, divided by
/// the mean within the pair (Phan et al., 2017). Document frequencies are those of `pairs`. A pair with one
/// caption, or without any agreement, has weights of 1. Empty if `strength` is 0.
CaptionWeights consensus_weights(const std::vector<data::ChangeExample>& pairs, double strength);

/// Returns the weights [B] of these samples, undefined if `weights` is empty.
at::Tensor weights_of_samples(const CaptionWeights& weights, const std::vector<data::SampleIndex>& samples);

}  // namespace ccexpert::train

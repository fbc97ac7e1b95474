// Cost of one transformer layer.
#pragma once

#include <cstdint>

namespace ccexpert::model {

inline double number(int64_t value) {
  return static_cast<double>(value);
}

/// Sizes of one layer for all tokens of a batch.
struct LayerSize {
  double tokens;           ///< T of all sequences
  double keys;             ///< that a token attends to
  double weights;          ///< elements of all matrices
  double attention_width;  ///< of all heads
};

/// Returns the multiply-adds of one layer: products with weights, scores, and their weighted sum of values.
inline double layer_multiply_adds(const LayerSize& layer) {
  return layer.tokens * (layer.weights + 2.0 * layer.keys * layer.attention_width);
}

/// Returns the number of values that a layer keeps for its backward pass, from its width and its MLP width.
inline double layer_values(double tokens, double width, double inner) {
  return tokens * (10.0 * width + 3.0 * inner);
}

}  // namespace ccexpert::model

/// Activation functions of a config.json, by their names in transformers.
#pragma once

#include <array>

#include <ccexpert/core/names.h>

namespace ccexpert::model {

enum class Activation {  ///< Activation of an MLP
  kGeluTanh,             ///< GELU with the tanh approximation of the normal distribution
  kGelu,                 ///< x times the normal distribution function
  kQuickGelu,            ///< x sigmoid(1.702 x), as in CLIP
  kSilu,                 ///< x sigmoid(x)
  kRelu,                 ///< max(x, 0)
};

constexpr auto names_of(Activation) {
  return std::to_array<Name<Activation>>({{Activation::kGeluTanh, "gelu_pytorch_tanh"},
                                          {Activation::kGelu, "gelu"},
                                          {Activation::kQuickGelu, "quick_gelu"},
                                          {Activation::kSilu, "silu"},
                                          {Activation::kRelu, "relu"}});
}

}  // namespace ccexpert::model

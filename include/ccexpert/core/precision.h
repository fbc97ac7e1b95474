/// Precision of weights and arithmetic.
#pragma once

#include <ccexpert/core/names.h>

namespace ccexpert {

enum class Precision {  ///< Precision of weights and activations
  kStandard,            ///< float32 on a CPU, bfloat16 on a GPU
  kAuto,                ///< the fastest of proven quality on this processor: int8 on a CPU, bfloat16 on a GPU
  kBfloat16,
  kFloat16,
  kFloat32,
  kInt8,  ///< weights in 8 bits, activations quantised per token in each product; on a CPU only
};
constexpr auto names_of(Precision) {
  return std::to_array<Name<Precision>>({{Precision::kStandard, "standard"},
                                         {Precision::kAuto, "auto"},
                                         {Precision::kBfloat16, "bfloat16", "bf16"},
                                         {Precision::kFloat16, "float16", "fp16"},
                                         {Precision::kFloat32, "float32", "fp32"},
                                         {Precision::kInt8, "int8"}});
}

}  // namespace ccexpert

// Names of precisions.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert {

/// Returns "float32", "bfloat16" and "float16" for "fp32", "bf16" and "fp16"; any other name unchanged.
std::string full_dtype_name(std::string_view name);

}  // namespace ccexpert

// Names of precisions.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert {

/// "fp32", "bf16" and "fp16" to "float32", "bfloat16" and "float16"; another name stays as it is.
std::string full_dtype_name(std::string_view name);

}  // namespace ccexpert

#include "core/dtype_name.h"

#include <array>
#include <utility>

namespace ccexpert {

std::string full_dtype_name(std::string_view name) {
  using Names = std::pair<std::string_view, std::string_view>;
  static constexpr std::array kNames{Names{"fp32", "float32"}, Names{"bf16", "bfloat16"},
                                     Names{"fp16", "float16"}};
  for (const auto& [brief, full] : kNames) {
    if (name == brief) return std::string(full);
  }
  return std::string(name);
}

}  // namespace ccexpert

#include "io/safetensors_types.h"

#include <array>
#include <utility>

namespace ccexpert::io {
namespace {

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 10> kTypes{{{"F64", at::kDouble},
                                                                              {"F32", at::kFloat},
                                                                              {"F16", at::kHalf},
                                                                              {"BF16", at::kBFloat16},
                                                                              {"I64", at::kLong},
                                                                              {"I32", at::kInt},
                                                                              {"I16", at::kShort},
                                                                              {"I8", at::kChar},
                                                                              {"U8", at::kByte},
                                                                              {"BOOL", at::kBool}}};

}  // namespace

std::optional<at::ScalarType> dtype_from_safetensors(std::string_view name) {
  for (const auto& [text, dtype] : kTypes) {
    if (text == name) return dtype;
  }
  return std::nullopt;
}

std::string_view dtype_to_safetensors(at::ScalarType dtype) {
  for (const auto& [text, type] : kTypes) {
    if (type == dtype) return text;
  }
  return {};
}

}  // namespace ccexpert::io

#include "io/safetensors_types.h"

#include <array>

namespace ccexpert::io {
namespace {

struct Type {
  std::string_view name;
  at::ScalarType dtype;
  size_t bytes;
};

constexpr std::array kTypes{Type{"F64", at::kDouble, 8}, Type{"F32", at::kFloat, 4},
                            Type{"F16", at::kHalf, 2},   Type{"BF16", at::kBFloat16, 2},
                            Type{"I64", at::kLong, 8},   Type{"I32", at::kInt, 4},
                            Type{"I16", at::kShort, 2},  Type{"I8", at::kChar, 1},
                            Type{"U8", at::kByte, 1},    Type{"BOOL", at::kBool, 1}};

const Type* type_of(at::ScalarType dtype) {
  for (const auto& type : kTypes) {
    if (type.dtype == dtype) return &type;
  }
  return nullptr;
}

}  // namespace

std::optional<at::ScalarType> dtype_from_safetensors(std::string_view name) {
  for (const auto& type : kTypes) {
    if (type.name == name) return type.dtype;
  }
  return std::nullopt;
}

std::string_view dtype_to_safetensors(at::ScalarType dtype) {
  const auto* type = type_of(dtype);
  return type == nullptr ? std::string_view() : type->name;
}

size_t element_bytes(at::ScalarType dtype) {
  const auto* type = type_of(dtype);
  return type == nullptr ? 0 : type->bytes;
}

}  // namespace ccexpert::io

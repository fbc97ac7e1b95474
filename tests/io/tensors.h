// Tensors of every kind that files contain, and their comparison.
#pragma once

#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ccexpert/io/safetensors.h>

namespace ccexpert::io::test {

/// Returns one tensor of each dtype, and shapes that are easily forgotten.
inline std::vector<NamedTensor> every_kind() {
  const auto numbers = at::arange(6, at::kFloat).view({2, 3}) - 2.5;
  return {{"f64", numbers.to(at::kDouble)},
          {"f32", numbers},
          {"f16", numbers.to(at::kHalf)},
          {"bf16", numbers.to(at::kBFloat16)},
          {"i64", at::arange(3, at::kLong) - 1},
          {"i32", at::arange(3, at::kInt)},
          {"i16", at::arange(3, at::kShort)},
          {"i8", at::arange(3, at::kChar) - 1},
          {"u8", at::arange(3, at::kByte)},
          {"bool", at::arange(3, at::kInt).gt(0)},
          {"scalar", at::full({}, 7.0F)},
          {"empty", at::empty({0, 4})},
          {"transposed", numbers.t()}};
}

inline void expect_same(const TensorSource& source, const std::vector<NamedTensor>& expected) {
  EXPECT_EQ(source.tensors().size(), expected.size());
  for (const auto& each : expected) {
    const auto& name = each.name;
    const auto& tensor = each.tensor;
    const auto* info = source.find(name);
    ASSERT_NE(info, nullptr) << name;
    EXPECT_EQ(info->dtype, tensor.scalar_type()) << name;
    EXPECT_EQ(info->shape, tensor.sizes().vec()) << name;
    EXPECT_TRUE(at::equal(source.tensor(name), tensor)) << name;
  }
}

}  // namespace ccexpert::io::test

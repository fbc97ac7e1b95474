// Input tensors of a step on a GPU; skipped without one.
#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <gtest/gtest.h>

#include "train/run_data.h"
#include "train/two_pairs.h"

namespace ccexpert::train {
namespace {

using test::two_pairs;

TEST(ToTensors, AGpuGetsTheSame) {
  if (!at::hasCUDA() || at::detail::getCUDAHooks().deviceCount() == 0) GTEST_SKIP() << "no GPU";
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const auto options = at::TensorOptions().dtype(type);
    const auto expected = to_tensors(two_pairs(), 2, options);
    const auto tensors = to_tensors(two_pairs(), 2, options.device(at::kCUDA));
    EXPECT_TRUE(tensors.pixels.is_cuda());
    EXPECT_EQ(tensors.pixels.scalar_type(), type);
    EXPECT_TRUE(at::equal(tensors.pixels.to(at::kCPU), expected.pixels));
    EXPECT_TRUE(at::equal(tensors.change_mask.to(at::kCPU), expected.change_mask));
    EXPECT_TRUE(at::equal(tensors.class_shares.to(at::kCPU), expected.class_shares));
  }
}

}  // namespace
}  // namespace ccexpert::train

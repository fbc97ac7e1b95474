// Kernels for GPUs against LibTorch's operators; skipped without a GPU.
#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "kernels/gated_silu.h"
#include "kernels/gated_silu_gpu.h"
#include "kernels/joint_products.h"
#include "support/golden.h"

namespace ccexpert::kernels {
namespace {

TEST(GatedSiluGpu, GivesWhatTheOperatorsGive) {
  if (!at::hasCUDA() || at::detail::getCUDAHooks().deviceCount() == 0) GTEST_SKIP() << "no GPU";
  auto generator = at::detail::createCPUGenerator(5);
  const auto random = [&] { return at::empty({3, 50, 17}).normal_(0.0, 3.0, generator).to(at::kCUDA); };
  const auto gate = random().requires_grad_(true), up = random().requires_grad_(true), gradient = random();
  ASSERT_TRUE(has_gpu_gated_silu(gate));
  const auto expected = at::silu(gate) * up;
  const auto gradients = torch::autograd::grad({expected}, {gate, up}, {gradient});
  const auto fused = gated_silu(gate, up);
  const auto fused_gradients = torch::autograd::grad({fused}, {gate, up}, {gradient});
  constexpr test::Tolerance kFloat{1e-5, 1e-5};
  const auto near = [&](const at::Tensor& a, const at::Tensor& b) {
    return test::close(a.detach().cpu(), b.detach().cpu(), kFloat);
  };
  EXPECT_TRUE(near(fused, expected));
  EXPECT_TRUE(near(fused_gradients[0], gradients[0]));
  EXPECT_TRUE(near(fused_gradients[1], gradients[1]));
}

TEST(JointProductsGpu, GiveWhatSeparateProductsGive) {
  if (!at::hasCUDA() || at::detail::getCUDAHooks().deviceCount() == 0) GTEST_SKIP() << "no GPU";
  auto generator = at::detail::createCPUGenerator(6);
  const auto random = [&](at::IntArrayRef shape) {
    return at::empty(shape).normal_(0.0, 0.1, generator).to(at::kCUDA, at::kBFloat16);
  };
  const auto x = random({4, 96, 64}).requires_grad_(true);
  const std::vector<Factor> factors{
      {random({64, 64}).requires_grad_(true), random({64}).requires_grad_(true)},
      {random({128, 64}).requires_grad_(true), {}}};
  const std::vector<at::Tensor> leaves{x, factors[0].matrix, factors[0].bias, factors[1].matrix};
  const std::vector<at::Tensor> gradients{random({4, 96, 64}), random({4, 96, 128})};
  ASSERT_TRUE(joins_products(x));
  const auto joint = joint_products(x, factors);
  const std::vector<at::Tensor> separate{at::linear(x, factors[0].matrix, factors[0].bias),
                                         at::linear(x, factors[1].matrix)};
  const auto found = torch::autograd::grad(joint, leaves, gradients);
  const auto expected = torch::autograd::grad(separate, leaves, gradients);
  constexpr test::Tolerance kBfloat16{0.02, 0.02};
  for (size_t i = 0; i < leaves.size(); ++i)
    EXPECT_TRUE(test::close(found[i].cpu().to(at::kFloat), expected[i].cpu().to(at::kFloat), kBfloat16)) << i;
}

}  // namespace
}  // namespace ccexpert::kernels

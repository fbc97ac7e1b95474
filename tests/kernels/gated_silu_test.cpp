// The gated activation in one step: the bits of LibTorch's operators on a CPU, and the text of the GPU's
// kernels.
#include "kernels/gated_silu.h"

#include <array>
#include <functional>
#include <string>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "kernels/gated_silu_gpu.h"
#include "support/golden.h"

namespace ccexpert::kernels {
namespace {

class GatedSiluTest : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  GatedSiluTest() {
    auto generator = at::detail::createCPUGenerator(5);
    const auto random = [&] { return at::empty({3, 50, 17}).normal_(0.0, 3.0, generator).to(GetParam()); };
    gate_ = random().requires_grad_(true);
    up_ = random().requires_grad_(true);
    gradient_ = random();
  }

  /// Returns the value and both gradients.
  std::array<at::Tensor, 3> run(const std::function<at::Tensor()>& product) {
    gate_.mutable_grad() = at::Tensor();
    up_.mutable_grad() = at::Tensor();
    const auto out = product();
    out.backward(gradient_);
    return {out.detach(), gate_.grad(), up_.grad()};
  }

  at::Tensor gate_, up_, gradient_;
};
INSTANTIATE_TEST_SUITE_P(Dtypes, GatedSiluTest, ::testing::Values(at::kFloat, at::kBFloat16, at::kDouble),
                         [](const auto& dtype) { return std::string(c10::toString(dtype.param)); });

TEST_P(GatedSiluTest, HasTheBitsOfTheOperators) {
  const auto expected = run([&] { return at::silu(gate_) * up_; });
  const auto fused = run([&] { return gated_silu(gate_, up_); });
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(at::equal(fused[i], expected[i])) << i;
  const c10::InferenceMode inference;
  EXPECT_TRUE(at::equal(gated_silu(gate_, up_), expected[0]));
}

TEST_P(GatedSiluTest, GivesAGradientToOneOperandAlone) {
  const auto expected = run([&] { return at::silu(gate_) * up_; });
  gate_.mutable_grad() = at::Tensor();
  gated_silu(gate_, up_.detach()).backward(gradient_);
  EXPECT_TRUE(at::equal(gate_.grad(), expected[1]));
  up_.mutable_grad() = at::Tensor();
  gated_silu(gate_.detach(), up_).backward(gradient_);
  EXPECT_TRUE(at::equal(up_.grad(), expected[2]));
}

TEST(GatedSiluText, IsTheActivationAndItsGradient) {
  const auto gate = at::linspace(-20.0, 20.0, 201), up = at::linspace(2.0, -3.0, 201);
  const auto gradient = at::linspace(1.0, 2.0, 201);
  auto value = at::empty_like(gate), of_gate = at::empty_like(gate), of_up = at::empty_like(gate);
  for (int64_t i = 0; i < gate.numel(); ++i) {
    const auto x = gate[i].item<float>(), y = up[i].item<float>(), back = gradient[i].item<float>();
    float gate_part = 0.0F, up_part = 0.0F;
    gated_silu_gradients(x, y, back, gate_part, up_part);
    value[i] = gated_silu_value(x, y);
    of_gate[i] = gate_part;
    of_up[i] = up_part;
  }
  constexpr test::Tolerance kFloat{1e-5, 1e-5};
  EXPECT_TRUE(test::close(value, at::silu(gate) * up, kFloat));
  EXPECT_TRUE(test::close(of_gate, at::silu_backward(gradient * up, gate), kFloat));
  EXPECT_TRUE(test::close(of_up, at::silu(gate) * gradient, kFloat));
  EXPECT_NE(std::string(kGatedSiluText).find("gated_silu_value"), std::string::npos);
  EXPECT_NE(std::string(kGatedSiluGradientsText).find("gated_silu_gradients"), std::string::npos);
}

}  // namespace
}  // namespace ccexpert::kernels

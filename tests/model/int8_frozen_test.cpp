// Frozen matrices of 8 bits: their products and gradients are those of the dequantised matrices.
#include "model/shared/int8_frozen.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "model/shared/int8_model.h"
#include "model/tiny_checkpoint.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

/// Products of float32 in another order, of up to 4096 numbers near 1.
constexpr test::Tolerance kSums{1e-3, 1e-5};

at::Tensor drawn(at::IntArrayRef shape, uint64_t seed) {
  return at::empty(shape).normal_(0.0, 1.0, at::detail::createCPUGenerator(seed));
}

/// Product with a drawn matrix, and the floating-point values that its matrix stands for.
struct Drawn {
  Drawn(int64_t in, int64_t out, bool with_bias) : linear(in, out, with_bias, at::kFloat) {
    const at::NoGradGuard no_grad;
    if (with_bias) linear.bias.copy_(drawn({out}, 2));
    product = std::make_shared<Int8FrozenProduct>(linear);
    const auto weights = kernels::quantize_rows(drawn({out, in}, 1));
    const auto reads = product->reads();
    reads[0].target.copy_(weights.values);
    reads[1].target.copy_(weights.scales);
    matrix = weights.values.to(at::kFloat) * weights.scales.unsqueeze(1);
  }

  Linear linear;
  std::shared_ptr<Int8FrozenProduct> product;
  at::Tensor matrix;
};

void expect_float_product(const Drawn& own, const at::Tensor& input) {
  const auto x = input.clone().requires_grad_(), other = input.clone().requires_grad_();
  const auto bias = own.linear.bias.defined() ? std::optional(own.linear.bias.detach()) : std::nullopt;
  const auto got = own.product->apply(x), expected = at::linear(other, own.matrix, bias);
  EXPECT_TRUE(test::close(got, expected.detach(), kSums));
  const auto gradient = drawn(expected.sizes(), 4);
  got.backward(gradient);
  expected.backward(gradient);
  EXPECT_TRUE(test::close(x.grad(), other.grad(), kSums));
}

TEST(Int8Frozen, ProductAndGradientAreThoseOfTheDequantisedMatrix) {
  expect_float_product(Drawn(20, 12, true), drawn({2, 3, 20}, 3));
  expect_float_product(Drawn(20, 12, false), drawn({5, 20}, 3));
}

TEST(Int8Frozen, ALargeMatrixIsConvertedInPieces) {
  expect_float_product(Drawn(4096, 1100, true), drawn({2, 4096}, 3));
}

TEST(Int8Frozen, HalfPrecisionGivesHalfPrecision) {
  const Drawn own(20, 12, false);
  const auto x = drawn({3, 20}, 3).to(at::kBFloat16).requires_grad_();
  const auto out = own.product->apply(x);
  EXPECT_EQ(out.scalar_type(), at::kBFloat16);
  constexpr test::Tolerance kHalf{0.1, 0.02};
  EXPECT_TRUE(test::close(out, at::matmul(x.detach().to(at::kFloat), own.matrix.t()), kHalf));
  out.backward(at::ones_like(out));
  EXPECT_EQ(x.grad().scalar_type(), at::kBFloat16);
  EXPECT_TRUE(test::close(x.grad(), own.matrix.sum(0).expand({3, 20}), kHalf));
}

TEST(Int8Frozen, AGradientInHalfPrecisionIsRoundedOnce) {
  const Drawn own(2048, 4096, false);  // converted in two pieces
  const auto x = drawn({2, 2048}, 3).to(at::kBFloat16).requires_grad_();
  const auto gradient = drawn({2, 4096}, 4).to(at::kBFloat16);
  own.product->apply(x).backward(gradient);
  const auto reads = own.product->reads();
  const auto scaled = gradient.mul(reads[1].target.to(at::kBFloat16));
  const auto exact = at::mm(scaled.to(at::kDouble), reads[0].target.to(at::kDouble));
  const auto error = (x.grad().to(at::kDouble) - exact).abs();
  EXPECT_TRUE(error.le(exact.abs() * std::ldexp(1.0, -8) + 1e-4).all().item<bool>());
}

/// Returns the small model with frozen matrices of 8 bits, but for the projector.
std::shared_ptr<CcexpertModel> with_float_projector(const io::TensorSource& source) {
  const auto is_frozen = [](const std::string& name) { return !name.starts_with("model.mm_projector."); };
  auto names = int8_matrices(test::config_of(test::open_tiny()));
  std::erase_if(names, [&](const std::string& name) { return !is_frozen(name); });
  const Int8Source quantized(source, names);
  BuildModelOptions build{.tensor = at::TensorOptions().dtype(at::kFloat)};
  build.prepare = [&](CcexpertModel& model) { use_frozen_int8(model, is_frozen); };
  return build_model(test::config_of(test::open_tiny()), quantized, build);
}

at::Tensor logits_of(const CcexpertModel& model) {
  const at::NoGradGuard no_grad;
  const auto images = model.encode_images(drawn({2, 3, 84, 84}, 5));
  return model.decoder().logits(
      model.decoder().forward(model.splice({{1, -200, 3, -200, 4}}, images.tokens).embeddings));
}

/// Returns the tensors of a model's contract.
test::MemorySource contract_of(CcexpertModel& model) {
  const auto checkpoint = test::open_tiny();
  test::MemorySource tensors(*checkpoint.weights, [](const std::string&) { return false; });
  for (const auto& weight : weight_contract(model)) tensors.set(weight.name, weight.target.detach());
  return tensors;
}

TEST(Int8Frozen, ModelKeepsBytesAndNoOtherMatrix) {
  const auto checkpoint = test::open_tiny();
  const auto model = with_float_projector(*checkpoint.weights);
  const auto tensors = contract_of(*model);
  EXPECT_EQ(tensors.find("model.layers.0.mlp.down_proj.weight")->dtype, at::kChar);
  EXPECT_EQ(tensors.find("model.mm_projector.0.weight")->dtype, at::kFloat);
  EXPECT_EQ(tensors.find("model.mm_projector.0.scales"), nullptr);
  const auto weight = model->named_parameters()["model.layers.0.mlp.down_proj.weight"];
  EXPECT_EQ(weight.sizes(), at::IntArrayRef({64, 128}));
  EXPECT_EQ(weight.storage().nbytes(), sizeof(float));
  EXPECT_TRUE(test::close(logits_of(*model), logits_of(*test::build(checkpoint)), {0.5, 0.1}));
}

TEST(Int8Frozen, ModelIsBuiltFromItsOwnTensors) {
  const auto checkpoint = test::open_tiny();
  const auto model = with_float_projector(*checkpoint.weights);
  const auto again = with_float_projector(contract_of(*model));
  EXPECT_TRUE(at::equal(logits_of(*again), logits_of(*model)));
}

TEST(Int8Frozen, AMoveChangesNoValueAndGivesNoMatrixMemory) {
  const auto checkpoint = test::open_tiny();
  const auto model = with_float_projector(*checkpoint.weights);
  const auto before = logits_of(*model);
  move_frozen_int8(*model, at::kCPU);  // a GPU differs only in the device
  EXPECT_TRUE(at::equal(logits_of(*model), before));
  const auto parameters = model->named_parameters();
  EXPECT_EQ(parameters["model.layers.0.mlp.down_proj.weight"].storage().nbytes(), sizeof(float));
  EXPECT_GT(parameters["model.mm_projector.0.weight"].storage().nbytes(), sizeof(float));
}

}  // namespace
}  // namespace ccexpert::model

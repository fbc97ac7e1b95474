// Models with weights of 8 bits: their tensors, and their results beside those of float32.
#include "model/shared/int8_model.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/int8_matrix.h"
#include "model/int8_product.h"
#include "model/tiny_checkpoint.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using test::close;
using test::error_of;
using test::MemorySource;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kEmbedding = "model.embed_tokens";
constexpr const char* kHead = "lm_head";

const io::Checkpoint& tiny() {
  static const auto checkpoint = test::open_tiny();
  return checkpoint;
}

/// Tensors of the tiny checkpoint as those of an int8 one.
const Int8Source& tiny_int8() {
  static const Int8Source source(*tiny().weights, int8_matrices(test::config_of(tiny())));
  return source;
}

at::Tensor some_logits(const CcexpertModel& model, bool records_gradients = false) {
  const at::AutoGradMode mode(records_gradients);
  const auto pixels = io::open_safetensors(test::data_folder() / "checkpoint-tiny" / "expected.safetensors")
                          ->tensor("0.pixel_values")
                          .to(model.options());
  const auto images = model.encode_images(pixels);
  const auto prompt = model.splice({{1, 2, -200, 3, -200, 4}}, images.tokens);
  return model.decoder().logits(model.decoder().forward(prompt.embeddings)).to(at::kFloat).flatten(0, 1);
}

/// Least cosine of two vectors of logits.
double least_cosine(const at::Tensor& a, const at::Tensor& b) {
  return at::cosine_similarity(a, b, 1).min().item<double>();
}

TEST(Int8Matrices, AreThoseOfProductsAndOfTheEmbedding) {
  const auto names = int8_matrices(test::config_of(tiny()));
  EXPECT_THAT(names, Contains(std::string(kEmbedding) + ".weight"));
  EXPECT_THAT(names, Contains(std::string(kHead) + ".weight"));
  EXPECT_THAT(names, Contains("model.layers.0.mlp.down_proj.weight"));
  EXPECT_THAT(names, Contains("model.mm_projector.0.weight"));
  EXPECT_THAT(names, Not(Contains(HasSubstr("patch_embedding"))));
  EXPECT_THAT(names, Not(Contains(HasSubstr("position_embedding"))));
  EXPECT_THAT(names, Not(Contains(HasSubstr("ChangeAwareTokenReduce"))));
  EXPECT_THAT(names, Not(Contains(HasSubstr("norm"))));
}

TEST(Int8Source, ListsAMatrixAndItsScales) {
  const std::string name = "model.layers.0.mlp.down_proj";
  const auto* matrix = tiny_int8().find(name + ".weight");
  const auto* scales = tiny_int8().find(name + ".scales");
  ASSERT_NE(matrix, nullptr);
  ASSERT_NE(scales, nullptr);
  EXPECT_EQ(matrix->dtype, at::kChar);
  EXPECT_EQ(matrix->shape, tiny().weights->find(name + ".weight")->shape);
  EXPECT_EQ(scales->shape, std::vector<int64_t>{matrix->shape[0]});
  EXPECT_EQ(tiny_int8().find("model.norm.scales"), nullptr);
}

TEST(Int8Source, GivesTheMatrixWithinHalfAStep) {
  for (const std::string name : {"model.layers.1.self_attn.q_proj", kEmbedding}) {
    const auto original = tiny().weights->tensor(name + ".weight").to(at::kFloat);
    const auto scales = tiny_int8().tensor(name + ".scales").unsqueeze(1);
    const auto difference = (tiny_int8().tensor(name + ".weight").to(at::kFloat) * scales - original).abs();
    EXPECT_TRUE(difference.le(0.501 * scales).all().item<bool>()) << name;
  }
}

TEST(Int8Source, GivesOtherTensorsUnchanged) {
  const std::string norm = "model.norm.weight";
  EXPECT_TRUE(at::equal(tiny_int8().tensor(norm), tiny().weights->tensor(norm)));
}

TEST(IsInt8, IsTrueWithAnyMatrixOfBytes) {
  EXPECT_FALSE(is_int8(*tiny().weights));
  EXPECT_TRUE(is_int8(tiny_int8()));
  MemorySource scales_alone(*tiny().weights);
  scales_alone.set("lm_head.scales", at::ones({1}));
  EXPECT_FALSE(is_int8(scales_alone));
}

TEST(Int8Model, OfABaseWhoseEmbeddingWasTrainedIsThatOfItsSource) {
  const auto config = test::config_of(tiny());
  auto names = int8_matrices(config);
  names.erase(std::string(kEmbedding) + ".weight");
  const Int8Source trained(*tiny().weights, names);
  ASSERT_EQ(trained.find(std::string(kEmbedding) + ".scales"), nullptr);
  EXPECT_TRUE(is_int8(trained));
  EXPECT_TRUE(at::equal(some_logits(*build_int8_model(config, trained)),
                        some_logits(*build_int8_model(config, *tiny().weights))));
}

TEST(Int8Model, GivesTheLogitsOfFloat32) {
  const auto model = build_int8_model(test::config_of(tiny()), *tiny().weights);
  const auto logits = some_logits(*model), expected = some_logits(*test::build(tiny()));
  EXPECT_GT(least_cosine(logits, expected), 0.99);
  EXPECT_LT(least_cosine(logits, expected), 0.9999999) << "otherwise nothing was quantised";
}

// With gradients, norms, products, functions and sums follow one another.
TEST(Int8Model, WithStepsAtOnceGivesTheLogitsOfSteps) {
  const auto model = build_int8_model(test::config_of(tiny()), *tiny().weights);
  const auto at_once = some_logits(*model), steps = some_logits(*model, true).detach();
  EXPECT_GT(least_cosine(at_once, steps), 0.998);
  EXPECT_FALSE(at::equal(at_once, steps)) << "otherwise nothing was done at once";
}

TEST(Int8Model, OfAnInt8CheckpointIsThatOfItsSource) {
  const auto config = test::config_of(tiny());
  EXPECT_TRUE(at::equal(some_logits(*build_int8_model(config, tiny_int8())),
                        some_logits(*build_int8_model(config, *tiny().weights))));
}

TEST(Int8Model, WithATiedHeadKeepsTheEmbedding) {
  auto config = test::config_of(tiny());
  config.decoder.tie_word_embeddings = true;
  MemorySource source(*tiny().weights, [](const std::string& name) { return name != "lm_head.weight"; });
  source.erase_all("model.vision_resampler.");
  config.diff_expert.reset();
  const auto model = build_int8_model(config, source);
  const auto expected = build_model(config, source, {});
  EXPECT_TRUE(model->decoder().tied());
  const auto ids = at::tensor({3, 0, 5});
  const auto rows = kernels::dequantized_rows(
      kernels::quantize_rows(source.tensor(std::string(kEmbedding) + ".weight")), ids);
  EXPECT_TRUE(at::equal(model->decoder().embed(ids), rows.to(int8_model_dtype())));
  EXPECT_GT(least_cosine(some_logits(*model), some_logits(*expected)), 0.99);
}

TEST(Int8Block, IsSmallForTheInputOfDownProj) {
  EXPECT_EQ(int8_block("model.layers.3.mlp.down_proj"), 256);
  EXPECT_EQ(int8_block("model.layers.3.mlp.up_proj"), 0);
  EXPECT_EQ(int8_block("model.vision_tower.vision_tower.vision_model.encoder.layers.3.mlp.fc2"), 0);
  EXPECT_EQ(int8_block(kHead), 0);
}

TEST(Int8Product, RoundsItsInputInBlocks) {
  Linear linear(192, 8, true, {});
  const auto weights = kernels::quantize_rows(at::randn({8, 192}));
  const auto bias = at::randn({8}), x = at::randn({2, 3, 192}) * at::arange(1, 193);
  Int8Product product(linear, 64);
  const auto reads = product.reads();
  reads[0].target.copy_(weights.values);
  reads[1].target.copy_(weights.scales);
  reads[2].target.copy_(bias);
  product.pack();
  const auto rows = x.view({6, 192});
  const auto expected = kernels::pack_int8(weights, bias, kernels::cpu_level(), 64)->multiply(rows);
  EXPECT_TRUE(at::equal(product.apply(x), expected.view({2, 3, 8})));
  EXPECT_FALSE(at::equal(expected, kernels::pack_int8(weights, bias)->multiply(rows)));
}

TEST(Int8Model, RefusesAnInt8CheckpointWithoutScales) {
  MemorySource source(tiny_int8());
  source.erase("model.norm.weight");
  source.erase("model.layers.0.mlp.down_proj.scales");
  EXPECT_EQ(error_of([&] { build_int8_model(test::config_of(tiny()), source); }),
            "memory: tensors do not fit the model; 2 missing: model.norm.weight, "
            "model.layers.0.mlp.down_proj.scales");
}

}  // namespace
}  // namespace ccexpert::model

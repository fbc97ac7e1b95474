// Models whose decoder has weights of 4 bits: their tensors, and their results beside those of float32.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/int4_matrix.h"
#include "model/shared/int8_model.h"
#include "model/tiny_checkpoint.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kMatrix = "model.layers.0.mlp.down_proj";

const io::Checkpoint& tiny() {
  static const auto checkpoint = test::open_tiny();
  return checkpoint;
}

const Int8Source& tiny_int4() {
  static const Int8Source source(*tiny().weights,
                                 quantized_matrices(test::config_of(tiny()), BlockWeights::kInt4));
  return source;
}

at::Tensor some_logits(const CcexpertModel& model) {
  const at::NoGradGuard no_grad;
  const auto ids = at::arange(1, 21).unsqueeze(0);
  const auto& decoder = model.decoder();
  return decoder.logits(decoder.forward(decoder.embed(ids))).to(at::kFloat).flatten(0, 1);
}

TEST(QuantizedMatrices, OfInt4AreThoseOfTheBlocks) {
  const auto names = quantized_matrices(test::config_of(tiny()), BlockWeights::kInt4);
  EXPECT_THAT(names.int4, Contains(kMatrix + std::string(".weight")));
  EXPECT_THAT(names.int4, Each(StartsWith("model.layers.")));
  EXPECT_THAT(names.int8, Contains("lm_head.weight"));
  EXPECT_THAT(names.int8, Not(Contains(StartsWith("model.layers."))));
}

TEST(QuantizedMatrices, WithoutWholeGroupsStayInt8) {
  auto config = test::config_of(tiny());
  config.decoder.intermediate_size = 72;
  const auto names = quantized_matrices(config, BlockWeights::kInt4);
  EXPECT_THAT(names.int8, Contains(kMatrix + std::string(".weight")));
  EXPECT_THAT(names.int4, Contains("model.layers.0.mlp.up_proj.weight"));
}

TEST(Int4Source, ListsNibblesAndScalesOfGroups) {
  const auto shape = tiny().weights->find(kMatrix + std::string(".weight"))->shape;
  const auto* values = tiny_int4().find(kMatrix + std::string(".weight"));
  const auto* scales = tiny_int4().find(kMatrix + std::string(".scales"));
  ASSERT_NE(values, nullptr);
  ASSERT_NE(scales, nullptr);
  EXPECT_EQ(values->dtype, at::kByte);
  EXPECT_EQ(values->shape, (std::vector<int64_t>{shape[0], shape[1] / 2}));
  EXPECT_EQ(scales->dtype, at::kBFloat16);
  EXPECT_EQ(scales->shape, (std::vector<int64_t>{shape[0], shape[1] / kernels::kInt4Group}));
  EXPECT_EQ(tiny_int4().tensor(kMatrix + std::string(".weight")).sizes(), at::IntArrayRef(values->shape));
  EXPECT_EQ(tiny_int4().tensor(kMatrix + std::string(".scales")).sizes(), at::IntArrayRef(scales->shape));
}

TEST(BlockWeights, AreReadOffTheBlocks) {
  EXPECT_EQ(block_weights(*tiny().weights), BlockWeights::kInt8);
  EXPECT_EQ(block_weights(tiny_int4()), BlockWeights::kInt4);
  EXPECT_TRUE(is_int8(tiny_int4()));
}

TEST(Int4Model, GivesTheLogitsOfFloat32) {
  const auto config = test::config_of(tiny());
  const auto logits = some_logits(*build_int8_model(config, *tiny().weights, {}, BlockWeights::kInt4));
  const auto cosine = at::cosine_similarity(logits, some_logits(*test::build(tiny())), 1);
  EXPECT_GT(cosine.min().item<double>(), 0.9) << "of random weights, which 15 steps round by 9 percent";
  EXPECT_LT(cosine.min().item<double>(), 0.9999) << "otherwise nothing was quantised";
}

TEST(Int4Model, OfAnInt4CheckpointIsThatOfItsSource) {
  const auto config = test::config_of(tiny());
  EXPECT_TRUE(at::equal(some_logits(*build_int8_model(config, tiny_int4())),
                        some_logits(*build_int8_model(config, *tiny().weights, {}, BlockWeights::kInt4))));
}

}  // namespace
}  // namespace ccexpert::model

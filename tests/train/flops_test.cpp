// FLOPs of a step against one small case computed by hand.
#include "train/flops.h"

#include <gtest/gtest.h>

namespace ccexpert::train {
namespace {

/// Model with four patches per image and width 4.
model::ModelConfig hand_config() {
  model::ModelConfig config;
  config.vision = {.hidden_size = 4,
                   .intermediate_size = 6,
                   .num_hidden_layers = 3,
                   .num_attention_heads = 1,
                   .image_size = 4,
                   .patch_size = 2};
  config.vision_layers = {1, 2};
  config.diff_expert->per_expert_depth = 2;
  config.diff_expert->embedding_dim = 4;
  config.diff_expert->mlp_dim = 8;
  config.decoder = {.vocab_size = 10,
                    .hidden_size = 8,
                    .intermediate_size = 16,
                    .num_hidden_layers = 2,
                    .num_attention_heads = 2,
                    .num_key_value_heads = 1};
  return config;
}

constexpr double kPairs = 1.0, kTokens = 12.0, kPatches = 4.0;  // a grid of 2 x 2

/// Two images up to block 2, the last block used: patches of 3 x 2 x 2 values; four projections, the MLP in
/// and out; scores and their weighted sum over 4 keys.
constexpr double kVision =
    2.0 * kPatches * (12.0 * 4.0 + 2.0 * (4.0 * 4.0 * 4.0 + 2.0 * 4.0 * 6.0 + 2.0 * kPatches * 4.0));
/// Both scales, two layers: 7 projections for the initial change; 4 + 8 + 2 x 6 projections, the MLP, and
/// scores over N, 3N and twice 2N keys.
constexpr double kExpert =
    kPairs * 2.0 * kPatches * 2.0 * (7.0 * 16.0 + 24.0 * 16.0 + 2.0 * 4.0 * 8.0 + 16.0 * kPatches * 4.0);
constexpr double kProjector = 2.0 * kPatches * (4.0 * 8.0 + 8.0 * 8.0);
/// Two layers: queries and output, keys and values of one head of 4, three matrices of the MLP; each token
/// attends to 6 of 12 on average.
constexpr double kDecoder =
    2.0 * kTokens * (2.0 * 64.0 + 2.0 * 8.0 * 4.0 + 3.0 * 8.0 * 16.0 + 2.0 * 6.0 * 8.0);

double flops(const TrainedParts& parts) {
  return step_flops(hand_config(), parts, 1, 12);
}

TEST(StepFlops, AreTheHandWorkedOnes) {
  EXPECT_DOUBLE_EQ(flops({}), 2.0 * (kVision + kExpert + kProjector + kDecoder));
  EXPECT_DOUBLE_EQ(flops({.vision = true, .diff_expert = true, .projector = true, .decoder = true}),
                   6.0 * (kVision + kExpert + kProjector + kDecoder));
}

TEST(StepFlops, FrozenPartsCostWhatFlowsThroughThem) {
  // Parts before the first trained one need no backward pass; frozen parts after it need half of one.
  EXPECT_DOUBLE_EQ(flops({.diff_expert = true}),
                   2.0 * (kVision + 3.0 * kExpert + 2.0 * kProjector + 2.0 * kDecoder));
  EXPECT_DOUBLE_EQ(flops({.projector = true}), 2.0 * (kVision + kExpert + 3.0 * kProjector + 2.0 * kDecoder));
  EXPECT_DOUBLE_EQ(flops({.decoder = true}), 2.0 * (kVision + kExpert + kProjector + 3.0 * kDecoder));
  EXPECT_DOUBLE_EQ(flops({.vision = true}),
                   2.0 * (3.0 * kVision + 2.0 * kExpert + 2.0 * kProjector + 2.0 * kDecoder));
}

TEST(StepFlops, OfLowRankProductsLeaveOutTheGradientsOfMatrices) {
  EXPECT_DOUBLE_EQ(flops({.decoder = true, .low_rank = {.decoder = true}}),
                   2.0 * (kVision + kExpert + kProjector + 2.0 * kDecoder));
  EXPECT_DOUBLE_EQ(flops({.vision = true, .decoder = true, .low_rank = {.vision = true}}),
                   2.0 * (2.0 * kVision + 2.0 * kExpert + 2.0 * kProjector + 3.0 * kDecoder));
}

TEST(StepFlops, ABaseModelHasNoDiffExpert) {
  auto config = hand_config();
  config.diff_expert.reset();
  EXPECT_DOUBLE_EQ(step_flops(config, {}, 1, 12), 2.0 * (kVision + kProjector + kDecoder));
}

TEST(TrainedParts, AreToldByNames) {
  const auto parts = [](const std::string& name) { return trained_parts({{.name = name, .tensor = {}}}); };
  EXPECT_TRUE(parts("model.vision_tower.vision_tower.x").vision);
  EXPECT_TRUE(parts("model.vision_resampler.x").diff_expert);
  EXPECT_TRUE(parts("model.mm_projector.0.weight").projector);
  EXPECT_TRUE(parts("model.layers.0.mlp").decoder);
  EXPECT_TRUE(parts("lm_head.weight").decoder);
  EXPECT_TRUE(parts("model.embed_tokens.weight").decoder);
  EXPECT_TRUE(parts("model.norm.weight").decoder);
  EXPECT_FALSE(parts("model.layers.0.mlp").vision);
  const auto lora = parts("model.layers.0.mlp.up_proj.lora_A.weight");
  EXPECT_TRUE(lora.decoder && lora.low_rank.decoder);
  EXPECT_FALSE(parts("model.layers.0.mlp").low_rank.decoder);
}

}  // namespace
}  // namespace ccexpert::train

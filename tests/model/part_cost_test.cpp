// Costs of the parts at the paper's sizes. The numbers are those of the formulas before each part had its
// own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/model/decoder.h>
#include <ccexpert/model/part_cost.h>

namespace ccexpert::model {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kTextTokens = 64;

ModelConfig large_config() {
  ModelConfig config;
  config.decoder = {.vocab_size = 152'064,
                    .hidden_size = 3584,
                    .intermediate_size = 18'944,
                    .num_hidden_layers = 28,
                    .num_attention_heads = 28,
                    .num_key_value_heads = 4};
  config.diff_expert->attention_upsample_rate = 3;
  return config;
}

ModelConfig base_config() {
  ModelConfig config;
  config.diff_expert.reset();
  config.image_newline = true;
  return config;
}

std::vector<PartCost> costs(const ModelConfig& config, int64_t pairs) {
  return part_costs(config, {pairs, pairs * (2 * config.image_tokens() + kTextTokens)});
}

std::vector<double> multiply_adds(const ModelConfig& config, int64_t pairs) {
  std::vector<double> work;
  for (const auto& cost : costs(config, pairs)) work.push_back(cost.multiply_adds);
  return work;
}

/// Returns the kept values of all blocks and outputs, and of one largest block.
double kept_values(const ModelConfig& config, int64_t pairs, bool inputs_only) {
  double values = 0.0, largest = 0.0;
  for (const auto& cost : costs(config, pairs)) {
    const auto& kept = cost.kept;
    values += kept.outputs + kept.blocks * (inputs_only ? kept.block_inputs : kept.block);
    largest = std::max(largest, kept.block);
  }
  return values + largest;
}

TEST(PartCosts, AreInTheOrderOfTheForwardPass) {
  const auto parts = [](const ModelConfig& config) {
    std::vector<Part> found;
    for (const auto& cost : costs(config, 1)) found.push_back(cost.part);
    return found;
  };
  EXPECT_THAT(parts({}), ElementsAre(Part::kVision, Part::kDiffExpert, Part::kProjector, Part::kDecoder));
  EXPECT_THAT(parts(base_config()), ElementsAre(Part::kVision, Part::kProjector, Part::kDecoder));
}

TEST(PartCosts, MultiplyAddsAreThoseOfThePublishedSizes) {
  EXPECT_THAT(multiply_adds({}, 1),
              ElementsAre(641801428992.0, 380211314688.0, 2675441664.0, 594425696256.0));
  EXPECT_THAT(multiply_adds({}, 3),
              ElementsAre(1925404286976.0, 1140633944064.0, 8026324992.0, 1783277088768.0));
  EXPECT_THAT(multiply_adds(large_config(), 3),
              ElementsAre(1925404286976.0, 612401430528.0, 74243506176.0, 30491858460672.0));
  EXPECT_THAT(multiply_adds(base_config(), 1), ElementsAre(641801428992.0, 2675441664.0, 595272351744.0));
}

TEST(PartCosts, KeptValuesAreThoseOfThePublishedSizes) {
  EXPECT_EQ(kept_values({}, 1, false), 2901740736.0);
  EXPECT_EQ(kept_values({}, 3, true), 1418365440.0);
  EXPECT_EQ(kept_values(large_config(), 1, false), 5990743232.0);
  EXPECT_EQ(kept_values(large_config(), 3, true), 1778385408.0);
  EXPECT_EQ(kept_values(base_config(), 1, false), 1830217920.0);
  EXPECT_EQ(kept_values(base_config(), 3, true), 357161472.0);
}

TEST(PartCosts, FollowTheWidthOfTheHeads) {
  const DecoderConfig config{.hidden_size = 24,
                             .intermediate_size = 32,
                             .num_hidden_layers = 2,
                             .num_attention_heads = 4,
                             .num_key_value_heads = 2,
                             .qk_norm = true,
                             .head_dim = 8};
  const auto cost = Decoder::cost(config, {.pairs = 1, .tokens = 10});
  const double weights = 2 * 24 * 32 + 2 * 24 * 16 + 3 * 24 * 32;
  EXPECT_EQ(cost.multiply_adds, 2 * 10 * (weights + 10 * 32));
  EXPECT_EQ(cost.kept.block, 10 * (10 * 24 + 3 * 32 + 2 * (32 - 24) + 32 + 16));
}

}  // namespace
}  // namespace ccexpert::model

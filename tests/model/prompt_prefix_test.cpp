// Keys and values of the first tokens of prompts, beside those that a whole decoder computes.
#include "model/shared/prompt_prefix.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "kernels/int4_matrix.h"
#include "kernels/int8_matrix.h"
#include "model/shared/int8_model.h"
#include "model/tiny_checkpoint.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

const std::vector<int64_t> kIds{5, 9, 200, 17, 3};

const io::Checkpoint& tiny() {
  static const auto checkpoint = test::open_tiny();
  return checkpoint;
}

PromptPrefix prefix_of(const io::TensorSource& source, const Adapter* apart = nullptr) {
  return compute_prompt_prefix(test::config_of(tiny()).decoder, source, apart, kIds);
}

void expect_equal(const PromptPrefix& a, const PromptPrefix& b) {
  EXPECT_TRUE(test::close(a.keys, b.keys, {1e-6, 1e-6}));
  EXPECT_TRUE(test::close(a.values, b.values, {1e-6, 1e-6}));
}

TEST(PromptPrefix, HasTheKeysAndValuesOfTheDecoder) {
  const at::NoGradGuard no_grad;
  const auto model = test::build(tiny());
  const auto& decoder = model->decoder();
  KvCache cache(decoder.config().num_hidden_layers, std::ssize(kIds));
  decoder.forward(decoder.embed(at::tensor(kIds, at::kLong).unsqueeze(0)), &cache);
  const auto prefix = prefix_of(*tiny().weights);
  EXPECT_EQ(prefix.ids, kIds);
  for (int64_t layer = 0; layer < decoder.config().num_hidden_layers; ++layer) {
    EXPECT_TRUE(test::close(prefix.keys[layer], cache.held(layer).keys[0], {1e-6, 1e-6})) << layer;
    EXPECT_TRUE(test::close(prefix.values[layer], cache.held(layer).values[0], {1e-6, 1e-6})) << layer;
  }
}

// In float32, what follows the prefix must not show that it was not computed with it.
TEST(PromptPrefix, GivesTheLogitsOfWholePromptsInABatch) {
  const at::NoGradGuard no_grad;
  const auto model = test::build(tiny());
  const auto& decoder = model->decoder();
  const auto prefix = prefix_of(*tiny().weights);
  const std::vector<std::vector<int64_t>> prompts{{5, 9, 200, 17, 3, 8, 1, 2, 30},
                                                  {5, 9, 7, 7, 1, 4, 90, 6, 2}};
  KvCache cache(decoder.config().num_hidden_layers, 20);
  cache.start(prefix.keys, prefix.values,
              {common_start(prefix, prompts[0]), common_start(prefix, prompts[1])});
  EXPECT_EQ(cache.lengths(), (std::vector<int64_t>{5, 2}));
  const auto rest = at::tensor({8, 1, 2, 30, 0, 0, 0, 7, 7, 1, 4, 90, 6, 2}, at::kLong).view({2, 7});
  const auto logits = decoder.logits(decoder.forward(decoder.embed(rest), &cache, {4, 7}));
  for (const int64_t row : {0, 1}) {
    const auto ids = at::tensor(prompts[static_cast<size_t>(row)], at::kLong).unsqueeze(0);
    const auto whole = decoder.logits(decoder.forward(decoder.embed(ids)))[0];
    const int64_t held = row == 0 ? 5 : 2;
    EXPECT_TRUE(test::close(logits[row].narrow(0, 0, 9 - held), whole.slice(0, held), {1e-5, 1e-5})) << row;
  }
}

TEST(PromptPrefix, OfRoundedWeightsIsThatOfTheirValues) {
  const auto config = test::config_of(tiny());
  for (const auto blocks : {BlockWeights::kInt8, BlockWeights::kInt4}) {
    const auto names = quantized_matrices(config, blocks);
    const Int8Source rounded(*tiny().weights, names);
    test::MemorySource widened(*tiny().weights);
    for (const auto& name : names.int8) {
      const auto weights = kernels::quantize_rows(tiny().weights->tensor(name));
      widened.set(name, weights.values.to(at::kFloat) * weights.scales.unsqueeze(1));
    }
    for (const auto& name : names.int4) {
      const auto weights = kernels::quantize_groups(tiny().weights->tensor(name));
      widened.set(name, kernels::dequantized_groups(weights, 0, weights.values.size(0)));
    }
    expect_equal(prefix_of(rounded), prefix_of(widened));
    EXPECT_FALSE(test::close(prefix_of(rounded).values, prefix_of(*tiny().weights).values, {1e-6, 1e-6}));
  }
}

TEST(PromptPrefix, HasAnAdapterThatIsApart) {
  const auto folder = test::data_folder() / "lora" / "decoder";
  const auto adapter = open_adapter(folder);
  const auto merged = open_adapted_checkpoint(test::data_folder() / "checkpoint-tiny", folder);
  expect_equal(prefix_of(*tiny().weights, &adapter), prefix_of(*merged.weights));
  EXPECT_FALSE(
      test::close(prefix_of(*merged.weights).values, prefix_of(*tiny().weights).values, {1e-6, 1e-6}));
}

TEST(PromptPrefix, IsSharedUpToTheFirstOtherToken) {
  const PromptPrefix prefix{.ids = kIds};
  EXPECT_EQ(common_start(prefix, {5, 9, 200, 17, 3, -200}), 5);
  EXPECT_EQ(common_start(prefix, {5, 9, 4}), 2);
  EXPECT_EQ(common_start(prefix, {5, 9}), 2);
  EXPECT_EQ(common_start(prefix, {-200, 5}), 0);
}

}  // namespace
}  // namespace ccexpert::model

#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/golden_decoder.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using test::close;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Qwen2Golden : public ::testing::TestWithParam<const char*> {
 protected:
  Qwen2Golden() {
    const std::string name = GetParam();
    decoder_ = test::golden_decoder(name);
    golden_ = io::open_safetensors(test::golden_decoders() / (name + ".safetensors"));
  }

  at::Tensor ids() const { return golden_->tensor("ids").to(at::kLong).unsqueeze(0); }
  at::Tensor embeddings() const { return decoder_->embed(ids()); }
  KvCache cache(int64_t capacity) const { return {decoder_->config().num_hidden_layers, capacity}; }

  std::shared_ptr<Decoder> decoder_;
  std::unique_ptr<io::TensorSource> golden_;
  at::NoGradGuard no_grad_;
};

TEST_P(Qwen2Golden, HiddenStatesAndLogitsEqualTheReference) {
  std::vector<at::Tensor> states;
  const auto hidden = decoder_->forward(embeddings(), nullptr, {}, &states);
  EXPECT_TRUE(close(decoder_->logits(hidden)[0], golden_->tensor("logits")));
  for (size_t i = 0; i < states.size(); ++i) {
    EXPECT_TRUE(close(states[i][0], golden_->tensor("hidden." + std::to_string(i)))) << "hidden state " << i;
  }
}

TEST_P(Qwen2Golden, OneTokenAtATimeEqualsTheReference) {
  const auto all = embeddings();
  auto kept = cache(all.size(1));
  const auto expected = golden_->tensor("step_logits");
  for (int64_t t = 0; t < all.size(1); ++t) {
    const auto hidden = decoder_->forward(all.narrow(1, t, 1), &kept);
    EXPECT_TRUE(close(decoder_->logits(hidden)[0][0], expected[t])) << "token " << t;
  }
}

TEST_P(Qwen2Golden, AChunkBehindAPrefixEqualsTheWhole) {
  const auto all = embeddings();
  auto kept = cache(all.size(1));
  decoder_->forward(all.narrow(1, 0, 6), &kept);
  const auto hidden = decoder_->forward(all.narrow(1, 6, all.size(1) - 6), &kept);
  EXPECT_TRUE(close(decoder_->logits(hidden)[0], golden_->tensor("logits").slice(0, 6)));
}

TEST_P(Qwen2Golden, PaddedRowsEqualEachRowAlone) {
  const auto batch = golden_->tensor("batch_ids").to(at::kLong);
  const auto hidden = decoder_->forward(decoder_->embed(batch));
  for (int64_t row = 0; row < batch.size(0); ++row) {
    const auto expected = golden_->tensor("row_logits." + std::to_string(row));
    EXPECT_TRUE(close(decoder_->logits(hidden[row].narrow(0, 0, expected.size(0))), expected))
        << "row " << row;
  }
}

TEST_P(Qwen2Golden, CachedRowsOfUnequalLengthContinueAsEachRowAlone) {
  const auto batch = golden_->tensor("batch_ids").to(at::kLong);
  const auto lengths = golden_->tensor("batch_mask").sum(1).to(at::kLong);
  // The prompts are the rows without their last token, which follows in one step.
  std::vector<int64_t> prompts;
  std::vector<at::Tensor> last;
  for (int64_t row = 0; row < batch.size(0); ++row) {
    prompts.push_back(lengths[row].item<int64_t>() - 1);
    last.push_back(batch[row][prompts.back()]);
  }
  auto kept = cache(batch.size(1) + 1);
  decoder_->forward(decoder_->embed(batch), &kept, prompts);
  const auto hidden = decoder_->forward(decoder_->embed(at::stack(last).unsqueeze(1)), &kept);
  for (int64_t row = 0; row < batch.size(0); ++row) {
    const auto expected =
        golden_->tensor("row_logits." + std::to_string(row))[prompts[static_cast<size_t>(row)]];
    EXPECT_TRUE(close(decoder_->logits(hidden[row])[0], expected)) << "row " << row;
  }
}

TEST_P(Qwen2Golden, SelectedRowsOfACacheContinueAsTheRowsTheyWere) {
  const auto batch = golden_->tensor("batch_ids").to(at::kLong);
  const std::vector<int64_t> prompts{4, 10, 7};
  auto kept = cache(batch.size(1) + 2), selected = cache(batch.size(1) + 2);
  decoder_->forward(decoder_->embed(batch), &kept, prompts);
  decoder_->forward(decoder_->embed(batch), &selected, prompts);
  selected.select_rows({2, 0, 2});
  const auto token = at::full({3, 1}, 11, at::kLong);
  const auto all = decoder_->logits(decoder_->forward(decoder_->embed(token), &kept));
  const auto some = decoder_->logits(decoder_->forward(decoder_->embed(token), &selected));
  EXPECT_TRUE(close(some[0], all[2]));
  EXPECT_TRUE(close(some[1], all[0]));
  EXPECT_TRUE(close(some[2], all[2]));
}

INSTANTIATE_TEST_SUITE_P(Heads, Qwen2Golden, ::testing::Values("tied", "untied"),
                         [](const auto& test) { return std::string(test.param); });

DecoderConfig small_config() {
  return {.vocab_size = 11,
          .hidden_size = 8,
          .intermediate_size = 12,
          .num_hidden_layers = 2,
          .num_attention_heads = 2,
          .num_key_value_heads = 1};
}

std::vector<std::string> biases_of(const Decoder& decoder) {
  std::vector<std::string> names;
  for (const auto& item : decoder.named_parameters()) {
    if (item.key().ends_with(".bias") && item.key().find("layers.0.") != std::string::npos)
      names.push_back(item.key().substr(std::string("model.layers.0.").size()));
  }
  return names;
}

TEST(DecoderFlags, DecideWhichMatricesHaveBiases) {
  auto config = small_config();
  EXPECT_THAT(biases_of(Decoder(config, {})),
              ElementsAre("self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias"));
  config.attention_bias = false;
  EXPECT_THAT(biases_of(Decoder(config, {})), IsEmpty()) << "as in LLaMA";
  config.attention_output_bias = config.mlp_bias = true;
  EXPECT_THAT(biases_of(Decoder(config, {})), ElementsAre("self_attn.o_proj.bias", "mlp.gate_proj.bias",
                                                          "mlp.up_proj.bias", "mlp.down_proj.bias"));
}

TEST(DecoderFlags, ADecoderWithoutBiasesComputesAsOneWithZeros) {
  auto config = small_config();
  Decoder with(config, {});
  config.attention_bias = false;
  Decoder without(config, {});
  const at::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(4);
  auto plain = without.named_parameters();
  for (auto& item : with.named_parameters()) {
    auto* same = plain.find(item.key());
    if (same == nullptr) {
      item.value().zero_();
    } else {
      item.value().normal_(0.0, 0.5, generator);
      same->copy_(item.value());
    }
  }
  const auto ids = at::tensor({1, 5, 3}, at::kLong).unsqueeze(0);
  EXPECT_TRUE(close(without.logits(without.forward(without.embed(ids))),
                    with.logits(with.forward(with.embed(ids))), {1e-6, 1e-6}));
}

}  // namespace
}  // namespace ccexpert::model

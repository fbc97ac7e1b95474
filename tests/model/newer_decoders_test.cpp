// Qwen2.5 and Qwen3 against transformers, with values of scripts/make_newer_goldens.py.
#include <gtest/gtest.h>

#include <ccexpert/model/weights.h>

#include "model/composed_parts.h"

namespace ccexpert::model {
namespace {

using test::close;

const auto kFolder = test::data_folder() / "newer";

/// A decoder as transformers saves it alone, with the config of a base that is composed with it.
class NewerDecoder : public ::testing::TestWithParam<const char*> {
 protected:
  NewerDecoder() {
    decoder_ = test::decoder_of(test::ComposedParts(kFolder / "siglip2", kFolder / GetParam()).compose());
    golden_ = io::open_safetensors(kFolder / GetParam() / "expected.safetensors");
  }

  at::Tensor embeddings() const { return decoder_->embed(golden_->tensor("ids").unsqueeze(0)); }
  KvCache cache(int64_t capacity) const { return {decoder_->config().num_hidden_layers, capacity}; }

  std::shared_ptr<Decoder> decoder_;
  std::unique_ptr<io::TensorSource> golden_;
  at::NoGradGuard no_grad_;
};

TEST_P(NewerDecoder, HiddenStatesAndLogitsEqualTheReference) {
  std::vector<at::Tensor> states;
  const auto hidden = decoder_->forward(embeddings(), nullptr, {}, &states);
  ASSERT_EQ(states.size(), 3u);
  for (size_t i = 0; i < states.size(); ++i) {
    EXPECT_TRUE(close(states[i][0], golden_->tensor("hidden." + std::to_string(i)))) << "hidden state " << i;
  }
  EXPECT_TRUE(close(decoder_->logits(hidden)[0], golden_->tensor("logits")));
}

TEST_P(NewerDecoder, OneTokenAtATimeEqualsTheReference) {
  const auto all = embeddings();
  auto kept = cache(all.size(1));
  for (int64_t t = 0; t < all.size(1); ++t) {
    const auto hidden = decoder_->forward(all.narrow(1, t, 1), &kept);
    EXPECT_TRUE(close(decoder_->logits(hidden)[0][0], golden_->tensor("step_logits")[t])) << "token " << t;
  }
}

TEST_P(NewerDecoder, AChunkAfterAPrefixEqualsTheWhole) {
  const auto all = embeddings();
  auto kept = cache(all.size(1));
  decoder_->forward(all.narrow(1, 0, 4), &kept);
  const auto hidden = decoder_->forward(all.narrow(1, 4, all.size(1) - 4), &kept);
  EXPECT_TRUE(close(decoder_->logits(hidden)[0], golden_->tensor("logits").slice(0, 4)));
}

TEST_P(NewerDecoder, PaddedRowsEqualEachRowAlone) {
  const auto batch = golden_->tensor("batch_ids");
  const auto hidden = decoder_->forward(decoder_->embed(batch));
  for (int64_t row = 0; row < batch.size(0); ++row) {
    const auto expected = golden_->tensor("row_logits." + std::to_string(row));
    EXPECT_TRUE(close(decoder_->logits(hidden[row].narrow(0, 0, expected.size(0))), expected))
        << "row " << row;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, NewerDecoder, ::testing::Values("qwen2.5", "qwen3-tied", "qwen3-untied"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase_if(name, [](char c) { return c == '.' || c == '-'; });
                           return name;
                         });

/// LLaVA-OneVision with Qwen3, as transformers saves it.
TEST(LlavaOnevisionWithQwen3, LogitsOfAPromptWithTwoImagesEqualTheReference) {
  const at::NoGradGuard no_grad;
  const auto checkpoint = open_model_checkpoint(kFolder / "onevision-qwen3");
  const auto config = test::config_of(checkpoint);
  EXPECT_TRUE(config.decoder.qk_norm);
  EXPECT_FALSE(config.decoder.attention_bias);
  EXPECT_EQ(config.decoder.head_width(), 8);
  const auto model = build_model(config, *checkpoint.weights, {});
  const auto golden = io::open_safetensors(kFolder / "onevision-qwen3" / "expected.safetensors");
  // Each image is 17 equal ids in the reference and one placeholder here.
  const auto tokens = model->encode_images(golden->tensor("pixels")).tokens;
  ASSERT_EQ(tokens.size(1), 17);
  const auto spliced = model->splice({{5, 6, -200, 7, -200, 8, 9, 10}}, tokens);
  const auto& decoder = model->decoder();
  EXPECT_TRUE(close(decoder.logits(decoder.forward(spliced.embeddings))[0], golden->tensor("logits")));
}

}  // namespace
}  // namespace ccexpert::model

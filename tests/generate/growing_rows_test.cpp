// Rows that join and leave a batch between tokens, on the decoder alone.
#include "generate/growing_rows.h"

#include <limits>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <ccexpert/model/weights.h>

#include "generate/growing_sequence.h"
#include "generate/tiny_captioner.h"
#include "generate/token_choice.h"
#include "support/errors.h"
#include "support/fresh_memory.h"

namespace ccexpert::generate {
namespace {

class GrowingRowsTest : public ::testing::Test {
 protected:
  GrowingRowsTest() {
    const auto checkpoint = io::open_checkpoint(test::tiny_folder());
    model_ = model::build_model(model::parse_model_config(checkpoint.config_json, "config.json"),
                                *checkpoint.weights, {.tensor = at::TensorOptions()});
    images_ = io::open_safetensors(test::tiny_folder() / "expected.safetensors")->tensor("0.image_tokens");
  }

  /// Returns a prompt that is `more` tokens longer than another one, with no room for a caption.
  DecoderSequences prompt(size_t more) const {
    auto ids = test::tiny_expected()["pairs"][0]["ids"].get<std::vector<int64_t>>();
    for (size_t i = 0; i < more; ++i) ids.push_back(static_cast<int64_t>(7 + i));
    return {model_->decoder(), model_->splice({ids}, images_), 0};
  }

  /// Returns the logits [T,V] before each of these tokens.
  at::Tensor alone(size_t more, const std::vector<int64_t>& ids) const {
    GrowingRows rows(model_->decoder());
    rows.join(prompt(more), 0, 1);
    std::vector<at::Tensor> logits{rows.logits()};
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      rows.grow({ids[i]});
      logits.push_back(rows.logits());
    }
    return at::cat(logits);
  }

  static void expect_close(const at::Tensor& found, const at::Tensor& expected) {
    EXPECT_LT((found - expected).abs().max().item<float>(), 1e-3F);
  }

  const c10::InferenceMode inference_;
  const test::FreshMemoryIsNan nan_;
  std::shared_ptr<model::CcexpertModel> model_;
  at::Tensor images_;
};

TEST_F(GrowingRowsTest, LogitsAreThoseOfEachRowAlone) {
  const std::vector<int64_t> first{30, 31, 32, 33, 34, 35}, second{40, 41, 42, 43}, third{50, 51, 52};
  GrowingRows rows(model_->decoder());
  rows.join(prompt(3), 0, 2);
  rows.grow({first[0]});
  rows.join(prompt(0), 0, 9);
  expect_close(rows.logits(), at::stack({alone(3, first)[1], alone(0, second)[0]}));
  rows.grow({first[1], second[0]});
  rows.join(prompt(9), 0, 100);  // longer than the others, with room that they lack
  rows.grow({first[2], second[1], third[0]});
  expect_close(rows.logits(), at::stack({alone(3, first)[3], alone(0, second)[2], alone(9, third)[1]}));
  rows.leave(0);
  ASSERT_EQ(rows.size(), 2);
  expect_close(rows.logits(), at::stack({alone(9, third)[1], alone(0, second)[2]}));
  rows.grow({third[1], second[2]});
  expect_close(rows.logits(), at::stack({alone(9, third)[2], alone(0, second)[3]}));
  rows.leave(1);
  rows.leave(0);
  EXPECT_EQ(rows.size(), 0);
  rows.join(prompt(3), 0, 2);
  expect_close(rows.logits(), alone(3, {1}));
}

TEST_F(GrowingRowsTest, ARowHasItsTokens) {
  GrowingRows rows(model_->decoder());
  rows.join(prompt(5), 0, 2);
  rows.join(prompt(0), 0, 2);
  const auto expected = prompt(0).cache().held(0).keys;
  const auto row = rows.row(1);
  EXPECT_EQ(row.lengths(), prompt(0).cache().lengths());
  EXPECT_TRUE(at::equal(row.held(0).keys, expected));
}

TEST_F(GrowingRowsTest, ACaptionMayBeLongerThanItsRoom) {
  GrowingRows rows(model_->decoder());
  rows.join(prompt(0), 0, 1);
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < 300; ++i) {
    ids.push_back(i);
    rows.grow({i});
  }
  ids.push_back(0);
  DecoderSequences reserved(model_->decoder(),
                            model_->splice({test::tiny_expected()["pairs"][0]["ids"]}, images_), 300);
  for (int64_t i = 0; i < 300; ++i) reserved.grow({0}, {i});
  expect_close(rows.logits(), reserved.logits());
}

TEST(ChooseTokens, ARowOfNanIsSeenAtItsOwnLogprob) {
  const DecodingConfig greedy{}, penalized{.repetition_penalty = 2.0};
  GrowingSequence first(greedy, std::nullopt), second(greedy, std::nullopt), third(penalized, std::nullopt);
  third.add({.id = 1, .logprob = -1.0}, true);
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  const auto logits = at::tensor({0.0F, 1.0F, 2.0F, nan, nan, nan, 0.0F, 3.0F, 2.0F}).view({3, 3});
  const std::vector<GrowingSequence*> sequences{&first, &second, &third};
  const auto choices = choose_tokens(logits, sequences);
  EXPECT_EQ(choices[0].id, 2);
  EXPECT_TRUE(std::isnan(choices[1].logprob));
  EXPECT_EQ(choices[2].id, 2) << "1 is penalized";
  EXPECT_NEAR(choices[2].logprob, at::log_softmax(logits[2], 0)[2].item<double>(), 1e-6) << "without penalty";
  EXPECT_NE(test::error_of([&] { expect_number(choices[1].logprob); }), "no error");
}

}  // namespace
}  // namespace ccexpert::generate

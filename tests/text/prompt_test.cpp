#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ccexpert/text/prompt.h>

#include "core/files.h"
#include "core/json.h"
#include "support/errors.h"
#include "support/paths.h"

namespace ccexpert::text {
namespace {

const auto kTiny = std::filesystem::path(test::kTestData) / "checkpoint-tiny";

class PromptGolden : public ::testing::TestWithParam<size_t> {
 protected:
  PromptGolden() : expected_(parse_json(read_file(kTiny / "expected.json"), "expected.json")) {}
  const nlohmann::json& pair() const { return expected_["pairs"][GetParam()]; }
  std::string question() const { return expected_["question"].get<std::string>(); }

  nlohmann::json expected_;
  Tokenizer tokenizer_ = Tokenizer::load(kTiny);
};

TEST_P(PromptGolden, TextAndIdsEqualTheReference) {
  EXPECT_EQ(question(), kReferenceQuestion);
  EXPECT_EQ(chat_prompt(question()), pair()["prompt"].get<std::string>());
  EXPECT_EQ(encode_prompt(tokenizer_, question()), pair()["ids"].get<std::vector<int64_t>>());
}

TEST_P(PromptGolden, TrainingIdsAndLabelsEqualTheReference) {
  const auto example = encode_training_example(tokenizer_, question(), pair()["caption"].get<std::string>(),
                                               LabelStyle::kReference);
  EXPECT_EQ(example.ids, pair()["full_ids"].get<std::vector<int64_t>>());
  EXPECT_EQ(example.labels, pair()["labels"].get<std::vector<int64_t>>());
}

TEST_P(PromptGolden, PlainLabelsAreTheCaptionAndItsEnd) {
  const auto caption = pair()["caption"].get<std::string>();
  const auto example = encode_training_example(tokenizer_, question(), caption, LabelStyle::kCaptionOnly);
  std::vector<int64_t> targets;
  for (const int64_t label : example.labels) {
    if (label != kIgnoredLabel) targets.push_back(label);
  }
  EXPECT_EQ(targets, tokenizer_.encode(caption + "<|im_end|>"));
}

INSTANTIATE_TEST_SUITE_P(Pairs, PromptGolden, ::testing::Values(0, 1, 2));

TEST(Prompt, AQuestionWithoutImagesGetsThemInFront) {
  EXPECT_EQ(complete_question("What changed?"), "<image>\n<image>\nWhat changed?");
  EXPECT_EQ(complete_question("From <image> to <image>?"), "From <image> to <image>?");
}

TEST(Prompt, RefusesOneImageAndChatMarkup) {
  EXPECT_EQ(test::error_of([] { complete_question("<image> alone"); }),
            "question: expected <image> twice, or not at all, got it 1 times");
  EXPECT_EQ(test::error_of([] { complete_question("stop<|im_end|>"); }),
            "question: expected plain text, got the chat markup <|im_end|>");
}

TEST(Prompt, BothEndTokensStop) {
  EXPECT_EQ(stop_token_ids(Tokenizer::load(kTiny)), (std::vector<int64_t>{482, 480}));
}

}  // namespace
}  // namespace ccexpert::text

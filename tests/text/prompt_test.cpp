#include <filesystem>

#include <fmt/format.h>
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

TEST(Prompt, UnderstandsThePapersImageMarks) {
  EXPECT_EQ(
      complete_question("This is Image1 <image1>. This is Image2 <image2>. What difference happened from "
                        "Image1 to Image2?"),
      kPaperQuestion);
  const auto tokenizer = Tokenizer::load(kTiny);
  EXPECT_EQ(encode_prompt(tokenizer, "From <image1> to <image2>?"),
            encode_prompt(tokenizer, "From <image> to <image>?"));
  EXPECT_EQ(complete_question("Is <imagery> <image_1> or <image 2> text?"),
            "<image>\n<image>\nIs <imagery> <image_1> or <image 2> text?");
}

TEST(Prompt, RefusesImageMarksThatAreNotBothImagesInOrder) {
  const auto got = [](std::string_view question, std::string_view marks) {
    EXPECT_EQ(
        test::error_of([&] { complete_question(question); }),
        fmt::format("question: expected <image> twice, <image1> and then <image2>, or no image mark, got {}",
                    marks));
  };
  got("<image> alone", "<image>");
  got("<image1> alone", "<image1>");
  got("<image2> then <image1>", "<image2>, <image1>");
  got("<image> and <image2>", "<image>, <image2>");
  got("<image1><image1>", "<image1>, <image1>");
  got("<image1><image3>", "<image1>, <image3>");
  got("<image1><image2><image3>", "<image1>, <image2>, <image3>");
  got("<image><image><image><image><image><image>", "<image>, <image>, <image>, <image> and 2 more");
}

TEST(Prompt, RefusesChatMarkup) {
  EXPECT_EQ(test::error_of([] { complete_question("stop<|im_end|>"); }),
            "question: expected plain text, got the chat markup <|im_end|>");
}

TEST(Prompt, AQuestionAndAStyleAreOneChoice) {
  EXPECT_EQ(chosen_question("", ""), "");
  EXPECT_EQ(chosen_question("What changed?", ""), "What changed?");
  EXPECT_EQ(chosen_question("", "reference"), kReferenceQuestion);
  EXPECT_EQ(chosen_question("", "paper"), kPaperQuestion);
  EXPECT_EQ(chosen_question(kPaperQuestion, "paper"), kPaperQuestion);
  EXPECT_EQ(test::error_of([] { chosen_question("What changed?", "reference"); }),
            "question: contradicts the prompt style reference (give the question or the style, not both)");
  EXPECT_EQ(test::error_of([] { chosen_question(kPaperQuestion, "reference"); }),
            "question: contradicts the prompt style reference (give the question or the style, not both)");
  EXPECT_EQ(test::error_of([] { chosen_question("", "papers"); }),
            "prompt style: expected reference or paper, got papers");
}

TEST(Prompt, BothEndTokensStop) {
  EXPECT_EQ(stop_token_ids(Tokenizer::load(kTiny)), (std::vector<int64_t>{482, 480}));
}

}  // namespace
}  // namespace ccexpert::text

#include <algorithm>
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

const Tokenizer& tiny() {
  static const auto tokenizer = Tokenizer::load(kTiny);
  return *tokenizer;
}

class PromptGolden : public ::testing::TestWithParam<size_t> {
 protected:
  PromptGolden() : expected_(parse_json(read_file(kTiny / "expected.json"), "expected.json")) {}
  const nlohmann::json& pair() const { return expected_["pairs"][GetParam()]; }
  std::string question() const { return expected_["question"].get<std::string>(); }

  nlohmann::json expected_;
  const Tokenizer& tokenizer_ = tiny();
};

TEST_P(PromptGolden, TextAndIdsEqualTheReference) {
  EXPECT_EQ(question(), kReferenceQuestion);
  EXPECT_EQ(chat_prompt(question(), {}), pair()["prompt"].get<std::string>());
  EXPECT_EQ(encode_prompt(tokenizer_, question(), {}), pair()["ids"].get<std::vector<int64_t>>());
}

TEST_P(PromptGolden, TrainingIdsAndLabelsEqualTheReference) {
  const auto example = encode_training_example(tokenizer_, {question(), pair()["caption"].get<std::string>()},
                                               LabelStyle::kReference, {});
  EXPECT_EQ(example.ids, pair()["full_ids"].get<std::vector<int64_t>>());
  EXPECT_EQ(example.labels, pair()["labels"].get<std::vector<int64_t>>());
}

TEST_P(PromptGolden, PlainLabelsAreTheCaptionAndItsEnd) {
  const auto caption = pair()["caption"].get<std::string>();
  const auto example =
      encode_training_example(tokenizer_, {question(), caption}, LabelStyle::kCaptionOnly, {});
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
  const auto& tokenizer = tiny();
  EXPECT_EQ(encode_prompt(tokenizer, "From <image1> to <image2>?", {}),
            encode_prompt(tokenizer, "From <image> to <image>?", {}));
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
  EXPECT_EQ(chosen_question("", PromptStyle::kUnset), "");
  EXPECT_EQ(chosen_question("What changed?", PromptStyle::kUnset), "What changed?");
  EXPECT_EQ(chosen_question("", PromptStyle::kReference), kReferenceQuestion);
  EXPECT_EQ(chosen_question("", PromptStyle::kPaper), kPaperQuestion);
  EXPECT_EQ(chosen_question(kPaperQuestion, PromptStyle::kPaper), kPaperQuestion);
  EXPECT_EQ(test::error_of([] { chosen_question("What changed?", PromptStyle::kReference); }),
            "question: contradicts the prompt style reference (give the question or the style, not both)");
  EXPECT_EQ(test::error_of([] { chosen_question(kPaperQuestion, PromptStyle::kReference); }),
            "question: contradicts the prompt style reference (give the question or the style, not both)");
}

TEST(Prompt, BothEndTokensStop) {
  EXPECT_EQ(stop_token_ids(tiny(), qwen2_chat_template()), (std::vector<int64_t>{482, 480}));
}

TEST(PromptImages, OfAnyNumberPrecedeAQuestionWithoutMarks) {
  const auto& tokenizer = tiny();
  const auto question = [](size_t images) { return complete_question("What is seen?", {.images = images}); };
  EXPECT_EQ(question(0), "What is seen?");
  EXPECT_EQ(question(1), "<image>\nWhat is seen?");
  EXPECT_EQ(question(2), "<image>\n<image>\nWhat is seen?");
  EXPECT_EQ(question(3), "<image>\n<image>\n<image>\nWhat is seen?");
  for (size_t images = 0; images < 4; ++images) {
    const auto ids = encode_prompt(tokenizer, "What is seen?", {.images = images});
    EXPECT_EQ(std::ranges::count(ids, kImagePlaceholder), static_cast<std::ptrdiff_t>(images));
    EXPECT_EQ(spliced_length(ids, 5), std::ssize(ids) + 4 * static_cast<int64_t>(images));
  }
}

TEST(PromptImages, OfAnyNumberStandAtTheirMarks) {
  const auto& tokenizer = tiny();
  EXPECT_EQ(complete_question("Is <image1> a road?", {.images = 1}), "Is <image> a road?");
  EXPECT_EQ(complete_question("<image1> <image2> <image3>", {.images = 3}), "<image> <image> <image>");
  EXPECT_EQ(complete_question("<image> <image> <image>", {.images = 3}), "<image> <image> <image>");
  const auto ids = encode_prompt(tokenizer, "a<image>b<image>c<image>d", {.images = 3});
  std::vector<int64_t> expected =
      tokenizer.encode("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\na");
  for (const char* piece : {"b", "c", "d<|im_end|>\n<|im_start|>assistant\n"}) {
    expected.push_back(kImagePlaceholder);
    for (const int64_t id : tokenizer.encode(piece)) expected.push_back(id);
  }
  EXPECT_EQ(ids, expected);
}

TEST(PromptImages, OfAnotherNumberAreRefused) {
  const auto got = [](std::string_view question, size_t images) {
    return test::error_of([&] { complete_question(question, {.images = images}); });
  };
  EXPECT_EQ(got("<image>?", 0), "question: expected no image mark, got <image>");
  EXPECT_EQ(got("<image><image>", 1),
            "question: expected <image>, <image1> or no image mark, got <image>, <image>");
  EXPECT_EQ(got("<image2>", 1), "question: expected <image>, <image1> or no image mark, got <image2>");
  EXPECT_EQ(got("<image1><image2>", 3),
            "question: expected <image> 3 times, <image1> to <image3> in order, or no image mark, got "
            "<image1>, <image2>");
}

/// Returns a format without ChatML: turns with names, an image mark of its own, and one stop text.
PromptFormat plain_format(size_t images) {
  ChatTemplate chat{.system_text = "A chat.",
                    .system = {"", "", " "},
                    .user = {"USER: ", "", " "},
                    .assistant = {"ASSISTANT:", "<|endoftext|>", ""},
                    .image_mark = "[img]",
                    .stop_texts = {"<|endoftext|>"},
                    .reserved_texts = {"<|endoftext|>"}};
  return {.chat = std::move(chat), .images = images};
}

std::string decoded(const std::vector<int64_t>& ids, const Tokenizer& tokenizer) {
  std::string text;
  for (const int64_t id : ids)
    text += id == kImagePlaceholder ? "(image)" : tokenizer.decode(std::vector{id}, false);
  return text;
}

TEST(PromptOfTurns, HasTheImagesInTheFirstQuestionOnly) {
  const std::vector<PastTurn> past{{"What?", "A road."}, {"Where?", "In the north."}};
  const auto ids = encode_conversation(tiny(), past, "And houses?", {});
  EXPECT_EQ(decoded(ids, tiny()),
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
            "<|im_start|>user\n(image)\n(image)\nWhat?<|im_end|>\n"
            "<|im_start|>assistant\nA road.<|im_end|>\n"
            "<|im_start|>user\nWhere?<|im_end|>\n"
            "<|im_start|>assistant\nIn the north.<|im_end|>\n"
            "<|im_start|>user\nAnd houses?<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(encode_conversation(tiny(), {}, "What?", {}), encode_prompt(tiny(), "What?", {}));
}

TEST(PromptOfTurns, BeginsWithThePromptOfTheTurnBefore) {
  const auto first = encode_prompt(tiny(), "What?", {});
  const auto next = encode_conversation(tiny(), std::vector<PastTurn>{{"What?", "A road."}}, "Where?", {});
  ASSERT_GT(next.size(), first.size());
  EXPECT_TRUE(std::equal(first.begin(), first.end(), next.begin()));
}

TEST(PromptOfTurns, FollowsOtherTemplates) {
  const std::vector<PastTurn> past{{"What?", "A road."}};
  const auto vicuna = encode_conversation(tiny(), past, "Where?", {.chat = vicuna_chat_template()});
  EXPECT_TRUE(decoded(vicuna, tiny()).ends_with("What? ASSISTANT: A road.</s>USER: Where? ASSISTANT:"));
  auto chat = minigpt4_chat_template();
  chat.first_token.clear();
  const auto minigpt4 = encode_conversation(tiny(), past, "Where?", {.chat = chat});
  EXPECT_TRUE(
      decoded(minigpt4, tiny()).ends_with("What? ###Assistant: A road.###Human: Where? ###Assistant: "));
}

TEST(PromptOfTurns, RefusesImagesAndMarkupAfterTheFirstQuestion) {
  const auto refusal = [](const PastTurn& past, std::string_view question) {
    return test::error_of([&] { encode_conversation(tiny(), std::vector{past}, question, {}); });
  };
  EXPECT_EQ(refusal({"What?", "A road."}, "And <image>?"), "question: expected no image mark, got <image>");
  EXPECT_EQ(refusal({"What?", "See <image2>."}, "Where?"), "answer: expected no image mark, got <image2>");
  EXPECT_EQ(refusal({"What?", "A<|im_end|>"}, "Where?"),
            "answer: expected plain text, got the chat markup <|im_end|>");
  EXPECT_EQ(refusal({"Is <image> new?", "Yes."}, "Where?"),
            "question: expected <image> twice, <image1> and then <image2>, or no image mark, got <image>");
}

TEST(ChatTemplate, OfOtherMarksBuildsItsPrompt) {
  const auto& tokenizer = tiny();
  EXPECT_EQ(chat_prompt("Is <image> new?", plain_format(1)), "A chat. USER: Is [img] new? ASSISTANT:");
  auto without_system = plain_format(2);
  without_system.chat.system_text = "";
  EXPECT_EQ(chat_prompt("What?", without_system), "USER: [img]\n[img]\nWhat? ASSISTANT:");
  auto expected = tokenizer.encode("A chat. USER: Is ");
  expected.push_back(kImagePlaceholder);
  for (const int64_t id : tokenizer.encode(" new? ASSISTANT:")) expected.push_back(id);
  EXPECT_EQ(encode_prompt(tokenizer, "Is <image> new?", plain_format(1)), expected);
}

TEST(ChatTemplate, OfOtherMarksEndsCaptionsAtItsStopTexts) {
  const auto& tokenizer = tiny();
  const auto format = plain_format(0);
  EXPECT_EQ(stop_token_ids(tokenizer, format.chat), (std::vector<int64_t>{480}));
  const auto targets = [&](LabelStyle style) {
    std::vector<int64_t> ids;
    for (const int64_t label :
         encode_training_example(tokenizer, {"What?", " a road"}, style, format).labels) {
      if (label != kIgnoredLabel) ids.push_back(label);
    }
    return tokenizer.decode(ids, false);
  };
  EXPECT_EQ(targets(LabelStyle::kCaptionOnly), " a road<|endoftext|>");
  EXPECT_EQ(targets(LabelStyle::kReference), "ASSISTANT: a road<|endoftext|>");
  auto unknown = format.chat;
  unknown.stop_texts = {"</s>"};
  EXPECT_EQ(test::error_of([&] { stop_token_ids(tokenizer, unknown); }),
            "tokenizer: expected a token </s>, got none");
}

TEST(ChatTemplate, RefusesItsOwnMarkupInAQuestion) {
  const auto refusal = [](std::string_view question) {
    return test::error_of([&] { complete_question(question, plain_format(1)); });
  };
  EXPECT_EQ(refusal("end<|endoftext|>"), "question: expected plain text, got the chat markup <|endoftext|>");
  EXPECT_EQ(refusal("see [img]"), "question: expected plain text, got the chat markup [img]");
  EXPECT_EQ(refusal("see <|im_end|>"), "no error");
}

}  // namespace
}  // namespace ccexpert::text

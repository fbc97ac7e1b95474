// Prompts in MiniGPT-4's format, with a tokenizer of one token a byte.
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/text/prompt.h>

#include "support/errors.h"

namespace ccexpert::text {
namespace {

using ::testing::ElementsAre;

class Bytes : public Tokenizer {
 public:
  explicit Bytes(std::map<std::string, int64_t, std::less<>> named) : named_(std::move(named)) {}

  std::vector<int64_t> encode(std::string_view utf8) const override {
    std::vector<int64_t> ids;
    for (const char byte : utf8) ids.push_back(static_cast<unsigned char>(byte));
    return ids;
  }
  std::string_view token_bytes(int64_t /*id*/) const override { return {}; }
  std::optional<int64_t> token_id(std::string_view text) const override {
    const auto found = named_.find(text);
    return found == named_.end() ? std::nullopt : std::optional(found->second);
  }
  bool is_special(int64_t id) const override { return id > 255; }
  const std::vector<std::string>& special_tokens() const override { return special_; }
  int64_t vocab_size() const override { return 512; }

 private:
  std::map<std::string, int64_t, std::less<>> named_;
  std::vector<std::string> special_;
};

const Bytes kLlama({{"<s>", 301}, {"</s>", 302}, {"##", 303}, {"\u2581###", 304}});
const PromptFormat kFormat{.chat = minigpt4_chat_template()};

std::vector<int64_t> joined(std::initializer_list<std::vector<int64_t>> parts) {
  std::vector<int64_t> ids;
  for (const auto& part : parts) ids.insert(ids.end(), part.begin(), part.end());
  return ids;
}

std::vector<int64_t> pair_prompt() {
  return joined({{301},
                 kLlama.encode("###Human: <Img>"),
                 {kImagePlaceholder},
                 kLlama.encode("</Img> <Img>"),
                 {kImagePlaceholder},
                 kLlama.encode("</Img> What changed? ###Assistant: ")});
}

TEST(MiniGpt4Prompt, StartsWithOneTokenAndPutsImagesBetweenMarks) {
  EXPECT_EQ(encode_prompt(kLlama, "<image> <image> What changed?", kFormat), pair_prompt());
}

TEST(MiniGpt4Prompt, OnlyTheAnswerIsATargetWithEitherLabels) {
  const auto answer = kLlama.encode("a house###");
  for (const auto style : {LabelStyle::kReference, LabelStyle::kCaptionOnly}) {
    const auto example =
        encode_training_example(kLlama, {"<image> <image> What changed?", "a house"}, style, kFormat);
    EXPECT_EQ(example.ids, joined({pair_prompt(), answer}));
    EXPECT_EQ(example.labels, joined({std::vector<int64_t>(pair_prompt().size(), kIgnoredLabel), answer}));
  }
}

TEST(MiniGpt4Prompt, CaptionsEndAtTheStartOfTheNextTurn) {
  EXPECT_THAT(stop_token_ids(kLlama, kFormat.chat), ElementsAre(303, 304, 302));
}

TEST(MiniGpt4Prompt, RefusesMarkupAndATokenizerWithoutFirstToken) {
  EXPECT_EQ(test::error_of([] { encode_prompt(kLlama, "What? ###Human: no", kFormat); }),
            "question: expected plain text, got the chat markup ###");
  EXPECT_EQ(test::error_of([] { encode_prompt(Bytes({}), "What changed?", kFormat); }),
            "tokenizer: expected a token <s>, got none");
}

}  // namespace
}  // namespace ccexpert::text

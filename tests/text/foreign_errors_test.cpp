// Exhausted memory leaves the room as an Error, wherever it happens.
#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include <ccexpert/text/prompt.h>
#include <ccexpert/text/tokenizer.h>

#include "support/paths.h"
#include "support/scarce_memory.h"
#include "text/shared/vocabulary.h"

namespace ccexpert::text {
namespace {

using test::expect_errors_without_memory;

const auto kTiny = std::filesystem::path(test::kTestData) / "checkpoint-tiny";

TEST(ForeignErrorsOfText, ATextThatDoesNotFitIsAnError) {
  const auto tokenizer = Tokenizer::load(kTiny);
  std::string text(2000, 'x');
  text += "<image> and <image>";
  const auto ids = tokenizer->encode(text);
  EXPECT_GT(expect_errors_without_memory([&] { tokenizer->encode(text); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { tokenizer->decode(ids); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { encode_prompt(*tokenizer, text, PromptFormat{}); }), 0);
}

TEST(ForeignErrorsOfText, AVocabularyThatDoesNotFitIsAnError) {
  const std::vector<std::string> texts{"a new road is built", std::string(2000, 'r')};
  EXPECT_GT(expect_errors_without_memory([&] { learn_vocabulary(texts, 270); }), 0);
}

}  // namespace
}  // namespace ccexpert::text

#include "text/shared/vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/text/prompt.h>
#include <ccexpert/text/tokenizer.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

TEST(Vocabulary, MergesTheMostFrequentNeighboursFirst) {
  // " ab" occurs three times, " ac" twice, "x" once: "a b" (3) is first, then " ab" out of " " and "ab" (3).
  const std::vector<std::string> texts{"x ab ab ab ac ac"};
  const auto vocabulary = learn_vocabulary(texts, 259);
  EXPECT_THAT(vocabulary.merges, ElementsAre(Pair(" ", "a"), Pair(" a", "b"), Pair(" a", "c")));
  EXPECT_EQ(vocabulary.tokens.size(), 259u);
  EXPECT_EQ(vocabulary.tokens[256], " a");
}

TEST(Vocabulary, EndsWhereNoPairStandsTwice) {
  const std::vector<std::string> texts{"ab cd ef"};
  EXPECT_TRUE(learn_vocabulary(texts, 1000).merges.empty());
}

TEST(Vocabulary, OfSeveralPairsThatAreAsFrequentTakesTheFirstInByteOrder) {
  const std::vector<std::string> texts{"zy zy", "ba ba"};
  EXPECT_THAT(learn_vocabulary(texts, 257).merges, ElementsAre(Pair("b", "a")));
}

TEST(Vocabulary, RefusesFewerTokensThanBytes) {
  EXPECT_THAT(test::error_of([] { learn_vocabulary({}, 255); }),
              HasSubstr("at least 256 tokens, one a byte, got 255"));
}

TEST(Vocabulary, WhatIsWrittenIsATokenizerOfThisProject) {
  const test::TemporaryFolder folder;
  const std::vector<std::string> texts{"many houses are built along the road .", "many houses are built .",
                                       "Größe \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x8f\xa0",
                                       "a road . a road ."};
  const auto vocabulary = learn_vocabulary(texts, 300);
  write_vocabulary(vocabulary, folder.path());
  const auto loaded = Tokenizer::load(folder.path());
  const auto& tokenizer = *loaded;
  for (const auto& text : texts) EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  EXPECT_LT(tokenizer.encode("many houses are built").size(), 8u);
  EXPECT_EQ(tokenizer.encode("\xff\x01").size(), tokenizer.encode("\xef\xbf\xbd\x01").size());
  EXPECT_EQ(tokenizer.vocab_size(), static_cast<int64_t>(vocabulary.tokens.size()) + 3);
  EXPECT_EQ(stop_token_ids(tokenizer, qwen2_chat_template()).size(), 2u);
  EXPECT_EQ(tokenizer.encode("<|im_end|>").size(), 1u);
}

}  // namespace
}  // namespace ccexpert::text

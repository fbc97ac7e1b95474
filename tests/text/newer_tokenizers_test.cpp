// Added tokens of Qwen2.5 and Qwen3 and the prompt of Qwen3, with ids of scripts/make_tokenizer_goldens.py.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ccexpert/text/prompt.h>

#include "core/files.h"
#include "core/json.h"
#include "support/paths.h"
#include "text/byte_level_bpe.h"
#include "text/tokenizer_files.h"

namespace ccexpert::text {
namespace {

const std::filesystem::path kData = test::kTestData;
const auto kNewer = kData / "newer" / "tokenizer";

nlohmann::json read_json(const std::filesystem::path& file) {
  return parse_json(read_file(file), file.string());
}

/// Returns the tokenizer of Qwen2's vocabulary with the added tokens of `model`.
std::unique_ptr<const Tokenizer> tokenizer_of(const std::string& model) {
  return make_byte_level_bpe(
      parse_tokenizer_files({.vocabulary = read_file(kData / "tokenizer" / "vocab.json"),
                             .merges = read_file(kData / "tokenizer" / "merges.txt"),
                             .config = read_file(kNewer / (model + ".tokenizer_config.json"))},
                            model));
}

const Tokenizer& qwen3() {
  static const auto tokenizer = tokenizer_of("qwen3");
  return *tokenizer;
}

class NewerTokenizer : public ::testing::TestWithParam<const char*> {};

TEST_P(NewerTokenizer, EncodesAndDecodesAsTheReference) {
  const auto tokenizer = tokenizer_of(GetParam());
  const auto newer = read_json(kNewer / "expected.json"),
             shared = read_json(kData / "tokenizer" / "expected.json");
  for (const auto& item : newer[GetParam()]) {
    const auto text = item["text"].get<std::string>();
    const auto ids = item["ids"].get<std::vector<int64_t>>();
    EXPECT_EQ(tokenizer->encode(text), ids) << text;
    EXPECT_EQ(tokenizer->decode(ids), item["decoded"].get<std::string>()) << text;
  }
  for (const auto& item : shared["cases"])
    EXPECT_EQ(tokenizer->encode(item["text"].get<std::string>()), item["ids"].get<std::vector<int64_t>>());
}

INSTANTIATE_TEST_SUITE_P(Models, NewerTokenizer, ::testing::Values("qwen2.5", "qwen3"), [](const auto& test) {
  return test.param == std::string("qwen3") ? "Qwen3" : "Qwen25";
});

const PromptFormat kQwen3{.chat = qwen3_chat_template()};

TEST(Qwen3Prompt, HasNoSystemTurnAndAnEmptyBlockOfThoughts) {
  EXPECT_EQ(chat_prompt("Is <image> or <image> new?", kQwen3),
            "<|im_start|>user\nIs <image> or <image> new?<|im_end|>\n"
            "<|im_start|>assistant\n<think>\n\n</think>\n\n");
  EXPECT_EQ(stop_token_ids(qwen3(), kQwen3.chat), (std::vector<int64_t>{151645, 151643}));
}

TEST(Qwen3Prompt, IsLearntWithTheCaptionAfterTheBlock) {
  const auto example = encode_training_example(qwen3(), {"<image><image>?", "a road is built ."},
                                               LabelStyle::kCaptionOnly, kQwen3);
  auto expected = encode_prompt(qwen3(), "<image><image>?", kQwen3);
  const auto prompt = expected.size();
  for (const int64_t id : qwen3().encode("a road is built .<|im_end|>\n")) expected.push_back(id);
  EXPECT_EQ(example.ids, expected);
  for (size_t i = 0; i < expected.size(); ++i) {
    const bool target = i >= prompt && i + 1 < expected.size();
    EXPECT_EQ(example.labels[i], target ? expected[i] : kIgnoredLabel) << i;
  }
}

TEST(Qwen3Prompt, HasTheBlockAmongTheTargetsOfTheReleasedCode) {
  const auto example =
      encode_training_example(qwen3(), {"<image><image>?", "a road ."}, LabelStyle::kReference, kQwen3);
  constexpr int64_t kThink = 151667, kEndOfThink = 151668;
  EXPECT_EQ(std::ranges::count(example.labels, kThink), 1);
  EXPECT_EQ(std::ranges::count(example.labels, kEndOfThink), 1);
}

}  // namespace
}  // namespace ccexpert::text

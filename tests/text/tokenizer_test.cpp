#include <filesystem>
#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ccexpert/text/tokenizer.h>

#include "core/files.h"
#include "core/json.h"
#include "support/errors.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "text/byte_alphabet.h"
#include "text/byte_level_bpe.h"
#include "text/shared/stream_decoder.h"
#include "text/shared/unicode.h"

namespace ccexpert::text {
namespace {

const std::filesystem::path kData = test::kTestData;
const auto kQwen2 = kData / "tokenizer";

const Tokenizer& qwen2() {
  static const auto tokenizer = Tokenizer::load(kQwen2);
  return *tokenizer;
}

const nlohmann::json& golden() {
  static const auto expected = parse_json(read_file(kQwen2 / "expected.json"), "expected.json");
  return expected;
}

std::string bytes_from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

TEST(Tokenizer, EncodesAndDecodesEveryCaseAsTheReference) {
  ASSERT_GE(golden()["cases"].size(), 145u);
  for (const auto& item : golden()["cases"]) {
    const auto text = item["text"].get<std::string>();
    const auto ids = item["ids"].get<std::vector<int64_t>>();
    EXPECT_EQ(qwen2().encode(text), ids) << text;
    EXPECT_EQ(qwen2().decode(ids, false), item["decoded"].get<std::string>()) << text;
  }
}

TEST(Tokenizer, InvalidUtf8BecomesReplacementCharacters) {
  for (const auto& item : golden()["invalid_utf8"]) {
    const auto bytes = bytes_from_hex(item["hex"].get<std::string>());
    EXPECT_EQ(repair_utf8(bytes), item["text"].get<std::string>());
    EXPECT_EQ(qwen2().encode(bytes), item["ids"].get<std::vector<int64_t>>()) << item["hex"];
  }
}

TEST(Tokenizer, KnowsItsSpecialTokens) {
  EXPECT_EQ(qwen2().token_id("<|im_end|>"), 151645);
  EXPECT_TRUE(qwen2().is_special(151643));
  EXPECT_FALSE(qwen2().is_special(198));
  EXPECT_EQ(qwen2().vocab_size(), 151646);
  EXPECT_EQ(qwen2().decode(std::vector<int64_t>{64, 151645, 64}), "aa");
}

TEST(Tokenizer, RowsWithoutATokenStandForNothingAndNegativeIdsAreAnError) {
  EXPECT_EQ(qwen2().decode(std::vector<int64_t>{64, 151935, 64}), "aa");
  EXPECT_EQ(test::error_of([] { qwen2().decode(std::vector<int64_t>{-200}); }),
            "token id: expected 0 or more, got -200");
}

TEST(Tokenizer, BothFileFormsAreOneTokenizer) {
  const auto whole = kData / "checkpoint-tiny";
  const test::TemporaryFolder folder;
  for (const char* name : {"vocab.json", "merges.txt", "tokenizer_config.json"}) {
    std::filesystem::copy_file(whole / name, folder / name);
  }
  const auto from_json = Tokenizer::load(whole), from_parts = Tokenizer::load(folder.path());
  for (const std::string text :
       {"many houses are built along the road .", "<|im_start|>user\nx<|im_end|>", "  é\t🛰️ 12"}) {
    EXPECT_EQ(from_json->encode(text), from_parts->encode(text)) << text;
  }
  EXPECT_EQ(from_json->vocab_size(), from_parts->vocab_size());
}

TEST(Tokenizer, RandomBytesSurviveARoundTrip) {
  std::mt19937 generator(7);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(generator() % 200, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(round % 3 == 0 ? generator() : generator() % 0x7f + 1);
    EXPECT_EQ(qwen2().decode(qwen2().encode(bytes), false), normalize(bytes));
  }
}

TEST(Tokenizer, OneWordOfAQuarterMillionLettersIsNoTrouble) {
  for (const std::string unit : {"a", " ", "ab", "é", "\n", "!", " a"}) {
    std::string text;
    while (text.size() < 250'000) text += unit;
    EXPECT_EQ(qwen2().decode(qwen2().encode(text)), text) << '"' << unit << '"';
  }
}

TEST(Tokenizer, LongAndShortWordsAreMergedAlike) {
  // One method merges the word alone, the other merges it inside a longer word.
  const std::string word = "internationalization";
  std::string longer;
  for (int i = 0; i < 4; ++i) longer += word;
  const auto ids = qwen2().encode(longer);
  const auto once = qwen2().encode(word);
  ASSERT_GE(ids.size(), once.size());
  EXPECT_TRUE(std::equal(once.begin(), once.end() - 1, ids.begin()));
}

class StreamDecoding : public ::testing::TestWithParam<size_t> {};

TEST_P(StreamDecoding, PrintsWholeCharactersThatAddUpToTheText) {
  const auto& item = golden()["streaming"][GetParam()];
  StreamDecoder decoder(qwen2());
  std::string text;
  for (const int64_t id : item["ids"]) {
    const auto piece = decoder.push(id);
    EXPECT_EQ(repair_utf8(piece), piece) << "half a character after \"" << text << '"';
    text += piece;
  }
  EXPECT_EQ(decoder.finish(), "");
  EXPECT_EQ(text, item["text"].get<std::string>());
}

INSTANTIATE_TEST_SUITE_P(Cases, StreamDecoding, ::testing::Values(0, 1, 2));

TEST(StreamDecoder, EqualsDecodeForRandomTokens) {
  std::mt19937 generator(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<int64_t> ids;
    for (int i = 0; i < 12; ++i)
      ids.push_back(static_cast<int64_t>(generator() % (round % 2 == 0 ? 256 : 151646)));
    StreamDecoder decoder(qwen2());
    std::string text;
    for (const int64_t id : ids) text += decoder.push(id);
    EXPECT_EQ(text + decoder.finish(), qwen2().decode(ids));
  }
}

class DamagedTokenizer : public ::testing::Test {
 protected:
  DamagedTokenizer() {
    for (const char* name : {"vocab.json", "merges.txt", "tokenizer_config.json"}) {
      std::filesystem::copy_file(kData / "checkpoint-tiny" / name, folder_ / name);
    }
  }
  std::string error() const {
    auto text = test::error_of([&] { Tokenizer::load(folder_.path()); });
    const auto place = text.find(folder_.path().string());
    return place == std::string::npos ? text : text.erase(place, folder_.path().string().size());
  }
  test::TemporaryFolder folder_;
};

TEST_F(DamagedTokenizer, NamesTheFilesThatAFolderShouldHold) {
  std::filesystem::remove(folder_ / "merges.txt");
  EXPECT_EQ(error(),
            ": expected tokenizer.json, or vocab.json and merges.txt, got neither "
            "(copy the tokenizer files of the base model into the checkpoint folder)");
}

TEST(UnknownTokenizer, IsOneErrorThatNamesItsFile) {
  const test::TemporaryFolder folder;
  const auto error = [&] { return test::error_of([&] { Tokenizer::load(folder.path()); }); };
  const auto expected = folder.path().string() +
                        ": expected tokenizer.json, or vocab.json and merges.txt, or tokenizer.model, got ";
  folder.write("tokenizer_config.json", "{}");
  EXPECT_EQ(
      error(),
      expected + "none of them (copy the tokenizer files of the base model into the checkpoint folder)");
  folder.write("spiece.model", "\n\x0e");
  EXPECT_EQ(error(), expected + "spiece.model (a tokenizer of this kind is not supported)");
  folder.write("vocab.txt", "[PAD]\n");
  EXPECT_EQ(error(), expected + "spiece.model, vocab.txt (a tokenizer of this kind is not supported)");
}

/// A tokenizer of one token a byte, and one special token.
class ByteTokenizer : public Tokenizer {
 public:
  std::vector<int64_t> encode(std::string_view utf8) const override {
    std::vector<int64_t> ids;
    for (const char byte : utf8) ids.push_back(static_cast<unsigned char>(byte));
    return ids;
  }
  std::string_view token_bytes(int64_t id) const override {
    return id == 256 ? std::string_view("</s>") : std::string_view(bytes_).substr(static_cast<size_t>(id), 1);
  }
  std::optional<int64_t> token_id(std::string_view text) const override {
    return text == "</s>" ? std::optional<int64_t>(256) : std::nullopt;
  }
  bool is_special(int64_t id) const override { return id == 256; }
  const std::vector<std::string>& special_tokens() const override { return special_; }
  int64_t vocab_size() const override { return 257; }

 private:
  std::string bytes_ = [] {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    return bytes;
  }();
  std::vector<std::string> special_ = {"</s>"};
};

TEST(AnotherTokenizer, DecodesAndStreamsAsEveryTokenizer) {
  const ByteTokenizer tokenizer;
  auto ids = tokenizer.encode("Größe\xff");
  ids.push_back(256);
  EXPECT_EQ(tokenizer.decode(ids), "Größe\xef\xbf\xbd");
  EXPECT_EQ(tokenizer.decode(ids, false), "Größe\xef\xbf\xbd</s>");
  StreamDecoder stream(tokenizer);
  std::string text;
  for (const int64_t id : ids) text += stream.push(id);
  EXPECT_EQ(text + stream.finish(), tokenizer.decode(ids));
}

TEST_F(DamagedTokenizer, NamesTheLineOfAMergeOfUnknownTokens) {
  auto merges = read_file(folder_ / "merges.txt");
  folder_.write("merges.txt", merges + "zzzzzz qqqqqq\n");
  EXPECT_NE(error().find("expected merges of tokens in the vocabulary, got zzzzzz"), std::string::npos)
      << error();
  EXPECT_EQ(error().find("/merges.txt:"), 0u) << error();
  folder_.write("merges.txt", "#version: 0.2\nonlyone\n");
  EXPECT_EQ(error(), "/merges.txt:2: expected merges of two tokens, got \"onlyone\"");
}

TEST_F(DamagedTokenizer, RefusesAVocabularyThatIsNone) {
  folder_.write("vocab.json", "{\"a\": 99999999999}");
  EXPECT_EQ(error(), "/vocab.json: expected token ids from 0 to 1048576, got 99999999999");
  folder_.write("vocab.json", "{\"a\": 1}");
  EXPECT_EQ(error(), "/vocab.json: expected a token for each of the 256 bytes, got none for byte 0x00");
  folder_.write("vocab.json", "[1, 2");
  EXPECT_EQ(error().find("/vocab.json: expected JSON, got parse error"), 0u) << error();
}

TEST_F(DamagedTokenizer, RefusesAnotherKindOfTokenizer) {
  folder_.write("tokenizer.json", R"({"model": {"type": "Unigram"}})");
  EXPECT_EQ(error(), "/tokenizer.json: expected a model of type BPE, got Unigram");
}

/// Returns a tokenizer.json of the 256 bytes, with one member replaced.
std::string tokenizer_json(const std::string& pointer, const nlohmann::json& value) {
  nlohmann::json root{{"normalizer", {{"type", "NFC"}}},
                      {"model", {{"type", "BPE"}, {"merges", nlohmann::json::array()}}},
                      {"added_tokens", nlohmann::json::array()}};
  root["pre_tokenizer"] = {{"type", "Sequence"},
                           {"pretokenizers",
                            {{{"type", "Split"}, {"behavior", "Isolated"}, {"pattern", {{"Regex", "a"}}}},
                             {{"type", "ByteLevel"}}}}};
  for (int byte = 0; byte < 256; ++byte)
    root["model"]["vocab"][to_byte_alphabet(std::string(1, static_cast<char>(byte)))] = byte;
  root[nlohmann::json::json_pointer(pointer)] = value;
  return root.dump();
}

std::string problem_of(const std::string& pointer, const nlohmann::json& value) {
  return test::error_of([&] {
    const TokenizerTexts texts{.tokenizer = tokenizer_json(pointer, value)};
    make_byte_level_bpe(parse_tokenizer_files(texts, "m"))->encode("aab");
  });
}

TEST(HostileTokenizer, OfAnotherShapeIsAnErrorThatNamesThePlace) {
  using nlohmann::json;
  EXPECT_EQ(problem_of("/version", "1.0"), "no error");
  EXPECT_EQ(problem_of("/model", json::array()), "m/tokenizer.json: expected a model of type BPE, got none");
  EXPECT_EQ(problem_of("/model/merges", nullptr), "m/tokenizer.json: expected an array of merges, got null");
  EXPECT_EQ(problem_of("/model/vocab", json::array()),
            "m/tokenizer.json: expected a vocabulary of tokens and ids, got an array");
  EXPECT_EQ(problem_of("/model/vocab/a", 2'000'000),
            "m/tokenizer.json: expected token ids from 0 to 1048576, got 2000000");
  EXPECT_EQ(problem_of("/added_tokens", "x"), "m/tokenizer.json: added_tokens: expected an array, got \"x\"");
  EXPECT_EQ(problem_of("/added_tokens", {{{"id", 300}}}),
            "m/tokenizer.json: expected a string for each added token, got none for id 300");
  EXPECT_EQ(problem_of("/pre_tokenizer/pretokenizers/0/pattern", {{"String", "a"}}),
            "m/tokenizer.json: expected a member \"Regex\", got none");
  EXPECT_EQ(problem_of("/pre_tokenizer/pretokenizers", 5),
            "m/tokenizer.json: expected two pre-tokenizer steps, got 5");
}

TEST(HostileTokenizer, OfAPatternThatDoesNotCutCharactersEnds) {
  const std::string pattern = "/pre_tokenizer/pretokenizers/0/pattern/Regex";
  EXPECT_NE(problem_of(pattern, "("), "no error");
  EXPECT_NE(problem_of(pattern, "\\C"), "no error");
  EXPECT_NE(problem_of(pattern, std::string(20'000, 'a')), "no error");
  EXPECT_EQ(problem_of(pattern, "a*?"), "no error");
  EXPECT_EQ(problem_of(pattern, "a\\K"), "no error");
}

TEST(HostileTokenizer, OfManyAddedTokensIsAnError) {
  nlohmann::json added = nlohmann::json::array();
  for (int i = 0; i < 20'001; ++i) added.push_back({{"id", 300 + i}, {"content", std::to_string(i)}});
  EXPECT_EQ(problem_of("/added_tokens", added),
            "m/tokenizer.json: expected at most 20000 added tokens, got more");
}

TEST_F(DamagedTokenizer, OfPartsOfAnotherShapeIsAnError) {
  folder_.write("tokenizer_config.json", "[]");
  EXPECT_EQ(error(), "/tokenizer_config.json: expected a JSON object, got an array");
  folder_.write("tokenizer_config.json", R"({"added_tokens_decoder": ["x"]})");
  EXPECT_EQ(error(), "/tokenizer_config.json: added_tokens_decoder: expected an object, got an array");
  folder_.write("tokenizer_config.json", "{}");
  folder_.write("added_tokens.json", "5");
  EXPECT_EQ(error(), "/added_tokens.json: expected a JSON object of tokens and ids, got 5");
  folder_.write("added_tokens.json", std::string(100'000, '[') + std::string(100'000, ']'));
  EXPECT_NE(error().find("/added_tokens.json: expected JSON, got values nested too deeply"),
            std::string::npos);
  folder_.write("added_tokens.json", "{}");
  folder_.write("merges.txt", "#version: 0.2\na \xff\n");
  EXPECT_EQ(error(), "/merges.txt: line 2: expected UTF-8 text, got the byte \\xff (save it as UTF-8)");
}

}  // namespace
}  // namespace ccexpert::text

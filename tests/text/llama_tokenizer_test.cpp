// Tokenizers of sentencepiece's kind against sentencepiece and the tokenizers library; the goldens are from
// scripts/make_llama_tokenizer_goldens.py.
#include <filesystem>
#include <random>

#include <gtest/gtest.h>

#include <ccexpert/text/tokenizer.h>

#include "core/files.h"
#include "core/json.h"
#include "support/errors.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "text/piece_bpe.h"
#include "text/shared/stream_decoder.h"

namespace ccexpert::text {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Ids = std::vector<int64_t>;

const auto kFolder = fs::path(test::kTestData) / "llama_tokenizer";

const json& cases() {
  static const json expected = parse_json(read_file(kFolder / "expected.json"), "expected.json")["cases"];
  return expected;
}

/// Folder of one file form, and the name of its ids in the goldens.
struct Form {
  const char* folder;
  const char* ids;
  friend std::ostream& operator<<(std::ostream& out, const Form& form) { return out << form.ids; }
};

class LlamaTokenizer : public ::testing::TestWithParam<Form> {
 protected:
  LlamaTokenizer() : tokenizer_(Tokenizer::load(kFolder / GetParam().folder)) {}
  std::unique_ptr<const Tokenizer> tokenizer_;
};

INSTANTIATE_TEST_SUITE_P(Forms, LlamaTokenizer,
                         ::testing::Values(Form{"", "model"}, Form{"legacy", "legacy"},
                                           Form{"metaspace", "metaspace"}, Form{"first", "first"}),
                         [](const auto& form) { return std::string(form.param.ids); });

TEST_P(LlamaTokenizer, EncodesEveryTextAsTheReference) {
  ASSERT_GE(cases().size(), 170U);
  for (const auto& item : cases()) {
    const auto text = item["text"].get<std::string>();
    EXPECT_EQ(tokenizer_->encode(text), item[GetParam().ids].get<Ids>()) << text;
  }
}

TEST_P(LlamaTokenizer, DecodesEveryTextAsTheReference) {
  const std::string key =
      GetParam().ids == std::string("model") ? "decoded" : GetParam().ids + std::string("_decoded");
  for (const auto& item : cases()) {
    if (!item.contains(key)) continue;
    EXPECT_EQ(tokenizer_->decode(item[GetParam().ids].get<Ids>()), item[key].get<std::string>())
        << item["text"];
  }
}

TEST_P(LlamaTokenizer, StreamsWhatItDecodes) {
  for (const auto& item : cases()) {
    const auto ids = item[GetParam().ids].get<Ids>();
    StreamDecoder stream(*tokenizer_);
    std::string text;
    for (const int64_t id : ids) text += stream.push(id);
    EXPECT_EQ(text + stream.finish(), tokenizer_->decode(ids)) << item["text"];
  }
}

TEST_P(LlamaTokenizer, KnowsItsSpecialTokens) {
  EXPECT_EQ(tokenizer_->token_id("<s>"), 1);
  EXPECT_EQ(tokenizer_->token_id("</s>"), 2);
  EXPECT_TRUE(tokenizer_->is_special(0));
  EXPECT_FALSE(tokenizer_->is_special(3));
  EXPECT_EQ(tokenizer_->token_bytes(3 + '\n'), "\n");
  EXPECT_EQ(tokenizer_->vocab_size(), 640);
}

TEST_P(LlamaTokenizer, ATextOfAnyBytesSurvivesARoundTrip) {
  std::mt19937 generator(7);
  for (int round = 0; round < 100; ++round) {
    std::string bytes(generator() % 100, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(generator() % 0x7e + 1);
    bytes.insert(0, "x");
    EXPECT_EQ(tokenizer_->decode(tokenizer_->encode(bytes), false), bytes);
  }
}

TEST(LlamaTokenizerModel, OneTextOfAQuarterMillionLettersIsNoTrouble) {
  const auto tokenizer = Tokenizer::load(kFolder);
  for (const std::string unit : {"a", " ", "é", "road ", "漢"}) {
    std::string text;
    while (text.size() < 250'000) text += unit;
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text) << unit;
  }
}

class LlamaFiles : public ::testing::Test {
 protected:
  std::string error_of(std::string_view file, const std::string& content) {
    folder_.write(std::string(file), content);
    auto text = test::error_of([&] { Tokenizer::load(folder_.path())->encode("the road"); });
    const auto place = text.find(folder_.path().string());
    return place == std::string::npos ? text : text.erase(place, folder_.path().string().size());
  }
  test::TemporaryFolder folder_;
  std::string model_ = read_file(kFolder / "tokenizer.model");
};

TEST_F(LlamaFiles, AddedTokensLieBesideAModel) {
  folder_.write("tokenizer.model", model_);
  folder_.write("added_tokens.json", R"({"<image>": 640, "<pad>": 641})");
  const auto tokenizer = Tokenizer::load(folder_.path());
  EXPECT_EQ(tokenizer->vocab_size(), 642);
  const auto road = tokenizer->encode("road");
  Ids expected = road;
  expected.push_back(640);
  expected.insert(expected.end(), road.begin(), road.end());
  EXPECT_EQ(tokenizer->encode("road<image>road"), expected);
}

TEST_F(LlamaFiles, ATokenizerJsonOfEitherKindComesBeforeAModel) {
  folder_.write("tokenizer.model", "damaged");
  folder_.write("tokenizer.json", read_file(kFolder / "legacy" / "tokenizer.json"));
  EXPECT_EQ(Tokenizer::load(folder_.path())->vocab_size(), 640);
  folder_.write("tokenizer.json",
                read_file(fs::path(test::kTestData) / "checkpoint-tiny" / "tokenizer.json"));
  EXPECT_EQ(Tokenizer::load(folder_.path())->vocab_size(), 483);
}

TEST_F(LlamaFiles, ACutModelIsOneError) {
  const std::string expected =
      "/tokenizer.model: expected a model of sentencepiece, got a file that is damaged or cut (copy the "
      "whole "
      "tokenizer.model of the base model)";
  for (size_t size = 0; size < model_.size(); size += size < 40 || size + 200 > model_.size() ? 1 : 97)
    EXPECT_EQ(error_of("tokenizer.model", model_.substr(0, size)), expected) << size;
  EXPECT_EQ(error_of("tokenizer.model", "version https://git-lfs.github.com/spec/v1\n"), expected);
  EXPECT_EQ(error_of("tokenizer.model", model_), "no error");
}

TEST_F(LlamaFiles, ADamagedModelIsAnErrorOrATokenizer) {
  std::mt19937 generator(11);
  for (int round = 0; round < 400; ++round) {
    auto bytes = model_;
    for (int flips = 0; flips < 1 + round % 4; ++flips)
      bytes[generator() % bytes.size()] = static_cast<char>(generator());
    const auto error = error_of("tokenizer.model", bytes);
    EXPECT_TRUE(error == "no error" || error.starts_with("/tokenizer.model: expected ")) << error;
  }
}

/// Returns a field of a protocol buffer with bytes.
std::string field(int number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}

/// Kinds of pieces in the files.
constexpr char kUnknown = 2, kControl = 3;

std::string piece(const std::string& text, char kind) {
  return field(1, field(1, text) + '\x18' + kind);
}

const std::string kBpe = "\x18\x02", kKeepsSpaces = std::string("\x20\x00", 2);

/// Returns a model of one unknown piece, with these settings of trainer and normaliser.
std::string small_model(const std::string& trainer, const std::string& normalizer) {
  return piece("<unk>", kUnknown) + field(2, trainer) + field(3, normalizer);
}

TEST_F(LlamaFiles, AModelOfAnotherKindIsAnErrorThatNamesIt) {
  const auto error = [&](const std::string& trainer, const std::string& normalizer) {
    return error_of("tokenizer.model", small_model(trainer, normalizer));
  };
  EXPECT_EQ(error(kBpe, kKeepsSpaces), "no error");
  EXPECT_EQ(error("\x18\x01", kKeepsSpaces),
            "/tokenizer.model: expected a sentencepiece model of type BPE, got unigram");
  EXPECT_EQ(error(kBpe, kKeepsSpaces + field(2, "map")),
            "/tokenizer.model: normaliser: expected identity, as LLaMA's, got a map of characters");
  // A reader of protocol buffers merges a second normaliser with the first one.
  EXPECT_EQ(
      error_of("tokenizer.model", small_model(kBpe, field(2, "map")) + field(3, kKeepsSpaces)),
      "/tokenizer.model: expected a model of sentencepiece, got a file that is damaged or cut (copy the "
      "whole tokenizer.model of the base model)");
  EXPECT_EQ(error(kBpe, ""),
            "/tokenizer.model: normaliser: expected one that keeps all spaces, as LLaMA's, got "
            "remove_extra_whitespaces");
}

TEST_F(LlamaFiles, AControlPieceMayHaveASpaceInItsName) {
  folder_.write("tokenizer.model", piece("▁<PRE>", kControl) + small_model(kBpe, kKeepsSpaces));
  const auto tokenizer = Tokenizer::load(folder_.path());
  EXPECT_EQ(tokenizer->encode("▁<PRE>"), Ids{0});
  EXPECT_EQ(tokenizer->token_bytes(0), " <PRE>");
  EXPECT_TRUE(tokenizer->is_special(0));
}

TEST_F(LlamaFiles, TokensThatEachTextIsComparedWithAreBounded) {
  const auto error = [&](int control) {
    std::string pieces;
    for (int i = 0; i < control; ++i) pieces += piece("c" + std::to_string(i), kControl);
    return error_of("tokenizer.model", pieces + small_model(kBpe, kKeepsSpaces));
  };
  EXPECT_EQ(error(19'999), "no error");
  EXPECT_EQ(error(20'000), "/tokenizer.model: expected at most 20000 control and added tokens, got more");
}

TEST_F(LlamaFiles, ATokenizerJsonOfAnotherShapeIsAnErrorThatNamesThePlace) {
  const json whole = parse_json(read_file(kFolder / "legacy" / "tokenizer.json"), "tokenizer.json");
  const auto error = [&](const char* pointer, const json& value) {
    auto changed = whole;
    changed[json::json_pointer(pointer)] = value;
    return error_of("tokenizer.json", changed.dump());
  };
  EXPECT_EQ(error("/version", "1.0"), "no error");
  EXPECT_EQ(
      error("/normalizer", nullptr),
      "/tokenizer.json: expected a normalizer of Prepend and Replace, or a Metaspace that does not split, "
      "got normalizer none and pre_tokenizer none");
  EXPECT_EQ(error("/model/ignore_merges", true), "/tokenizer.json: ignore_merges: expected none, got true");
  EXPECT_EQ(error("/model/merges/0", {"zz", "qq"}),
            "/tokenizer.json: merge 0: expected merges of tokens in the vocabulary, got zz");
  EXPECT_EQ(error("/model/vocab/<0x0a>", 640), "no error") << "an ordinary token";
  EXPECT_EQ(error("/added_tokens/0/content", "<other>"),
            "/tokenizer.json: expected each token id once, got 0 twice");
  EXPECT_EQ(error("/model/vocab/the", 1), "/tokenizer.json: expected each token id once, got 1 twice");
}

}  // namespace
}  // namespace ccexpert::text

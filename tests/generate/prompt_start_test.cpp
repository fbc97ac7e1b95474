// Starts of prompts in float32 in captions of int8, computed at load or stored ahead.
#include "generate/prompt_start.h"

#include <limits>

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/generate/conversation.h>
#include <ccexpert/io/safetensors.h>
#include <ccexpert/model/weight_layouts.h>

#include "generate/shared/quantize.h"
#include "generate/tiny_captioner.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::generate {
namespace {

using test::error_of;
using test::PaintedPairs;
using test::tiny_folder;
using ::testing::EndsWith;
using ::testing::StartsWith;

const CaptionerConfig kInt8{.device = "cpu", .dtype = Precision::kInt8};

const Captioner& int8_captioner() {
  static const auto captioner = Captioner::load(tiny_folder(), kInt8);
  return captioner;
}

void expect_equal(const Caption& found, const Caption& expected) {
  EXPECT_EQ(found.token_ids, expected.token_ids);
  EXPECT_NEAR(found.logprob, expected.logprob, 1e-3);
}

TEST(PromptStart, IsNamedAndCountedInInt8Only) {
  EXPECT_THAT(int8_captioner().description(), EndsWith("tokens of prompts in float32"));
  EXPECT_THAT(test::tiny_captioner().description(), EndsWith(" on cpu"));
  const PaintedPairs pairs(2);
  const auto captioner = Captioner::load(tiny_folder(), kInt8);
  captioner.caption(pairs.views());
  const auto reused = captioner.timings().reused_tokens;
  EXPECT_GT(reused, 0);
  EXPECT_EQ(reused % 2, 0) << "as many of each pair";
  captioner.caption(pairs.views(), {.question = "Compare <image> with <image>."});
  EXPECT_GT(captioner.timings().reused_tokens, reused) << "the system turn is the same";
  EXPECT_LT(captioner.timings().reused_tokens, 2 * reused);
}

TEST(PromptStart, ABatchOfQuestionsGivesWhatEachPairGivesAlone) {
  const PaintedPairs painted(3);
  auto pairs = painted.views();
  pairs[1].question = "Look at <image> and then at <image>. Which houses or trees came, and which went?";
  for (const double share : {1.0, 0.4}) {
    const CaptionOptions options{.generation = {.max_new_tokens = 12}, .keep_tokens = share};
    const auto batch = int8_captioner().caption(pairs, options);
    auto conversation = int8_captioner().converse(pairs);
    conversation.ask({.question = "Compare <image> with <image>."});
    const auto turn = conversation.ask(options);
    for (size_t i = 0; i < pairs.size(); ++i) {
      const auto alone = int8_captioner().caption(std::span(&pairs[i], 1), options).front();
      expect_equal(batch[i], alone);
      expect_equal(turn[i], alone);
    }
  }
}

TEST(PromptStart, DraftsAndBeamsFollowIt) {
  const PaintedPairs pairs(1);
  const auto plain = int8_captioner().caption(pairs.views(), {.generation = {.max_new_tokens = 12}}).front();
  const auto drafted =
      int8_captioner().caption(pairs.views(), {.generation = {.max_new_tokens = 12}, .draft_tokens = 4});
  expect_equal(drafted.front(), plain);
  EXPECT_FALSE(
      int8_captioner().caption(pairs.views(), {.generation = {.beams = 3}}).front().token_ids.empty());
}

class StoredPrefix : public ::testing::Test {
 protected:
  void SetUp() override { quantize_checkpoint({.from = tiny_folder(), .to = folder_ / "int8"}); }

  Captioner load() const { return Captioner::load(folder_ / "int8", {.device = "cpu"}); }
  std::optional<model::PromptPrefix> read() const {
    const auto checkpoint = model::open_model_checkpoint(folder_ / "int8");
    return read_prefix(checkpoint, model::parse_model_config(checkpoint.config_json, "config.json").decoder);
  }
  std::string file() const { return (folder_ / "int8" / kPrefixFile).string(); }
  void name_in_config(const nlohmann::json& name) const {
    const auto path = folder_ / "int8" / "config.json";
    auto config = parse_json(read_file(path), "config.json");
    config["ccexpert_quantization"]["prompt_prefix"] = name;
    write_file(path, config.dump());
  }

  test::TemporaryFolder folder_;
};

TEST_F(StoredPrefix, IsThatOfTheWeightsBeforeTheyWereRounded) {
  EXPECT_THAT(load().description(), EndsWith("tokens of prompts in float32"));
  const auto prefix = read();
  ASSERT_TRUE(prefix);
  const auto tiny = model::open_model_checkpoint(tiny_folder());
  const auto decoder = model::parse_model_config(tiny.config_json, "config.json").decoder;
  const auto expected = model::compute_prompt_prefix(decoder, *tiny.weights, nullptr, prefix->ids);
  EXPECT_GT(prefix->ids.size(), 5U);
  EXPECT_TRUE(at::equal(prefix->keys, expected.keys));
  EXPECT_TRUE(at::equal(prefix->values, expected.values));
}

TEST_F(StoredPrefix, OfAFolderWithoutOneIsComputedFromRoundedWeights) {
  name_in_config(nullptr);
  EXPECT_FALSE(read());
  EXPECT_THAT(load().description(), EndsWith("tokens of prompts in float32 of rounded weights"));
  const PaintedPairs pairs(1);
  EXPECT_FALSE(load().caption(pairs.views()).front().token_ids.empty());
}

TEST_F(StoredPrefix, MustBeThereUnderItsName) {
  name_in_config("other.safetensors");
  EXPECT_EQ(error_of([&] { load(); }),
            (folder_ / "int8" / "config.json").string() +
                ": ccexpert_quantization.prompt_prefix: expected prompt_prefix.safetensors, got "
                "other.safetensors");
  name_in_config(kPrefixFile);
  std::filesystem::remove(file());
  EXPECT_THAT(error_of([&] { load(); }), StartsWith(file()));
}

TEST_F(StoredPrefix, MustFitTheDecoder) {
  auto prefix = *read();
  const auto error_with = [&](const model::PromptPrefix& written) {
    write_prefix(folder_ / "int8", written);
    return error_of([&] { load(); });
  };
  const auto layers = prefix.keys.size(0), heads = prefix.keys.size(1), tokens = prefix.keys.size(2);
  const auto shape = [&](int64_t of_layers, int64_t of_tokens) {
    return fmt::format("Float [{},{},{},{}]", of_layers, heads, of_tokens, prefix.keys.size(3));
  };
  auto other = prefix;
  other.keys = prefix.keys.slice(0, 1).contiguous();
  EXPECT_EQ(error_with(other),
            file() + ": keys: expected " + shape(layers, tokens) + ", got " + shape(layers - 1, tokens));
  other = prefix;
  other.ids.pop_back();
  EXPECT_EQ(error_with(other),
            file() + ": keys: expected " + shape(layers, tokens - 1) + ", got " + shape(layers, tokens));
  other = prefix;
  other.ids[1] = 512;
  EXPECT_EQ(error_with(other), file() + ": ids: expected 0 to 511, got 512");
  other = prefix;
  other.values = at::full_like(prefix.values, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(error_with(other), file() + ": values: expected finite numbers, got NaN or infinity");
  io::write_safetensors(file(), std::vector<io::NamedTensor>{{"keys", prefix.keys}});
  EXPECT_EQ(error_of([&] { load(); }), file() + ": expected the tensors ids, keys and values, got keys");
}

}  // namespace
}  // namespace ccexpert::generate

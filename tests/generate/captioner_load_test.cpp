// Checkpoints that Captioner::load accepts and rejects, and its description.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/captioner.h>

#include "generate/tiny_captioner.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::generate {
namespace {

using test::error_of;
using test::PaintedPairs;
using test::tiny_captioner;
using test::tiny_folder;
using ::testing::EndsWith;
using ::testing::StartsWith;

Caption caption_of(const Captioner& captioner, const ImagePair& pair, const CaptionOptions& options = {}) {
  return captioner.caption(pair.before, pair.after, options);
}

std::string load_error(const std::filesystem::path& folder, const CaptionerConfig& config = {}) {
  return error_of([&] { Captioner::load(folder, config); });
}

TEST(CaptionerLoad, RefusesFoldersThatHoldNoCheckpoint) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(load_error(folder / "nowhere"),
            (folder / "nowhere").string() + ": expected a checkpoint folder, got nothing there");
  EXPECT_THAT(load_error(folder.path()), StartsWith(folder.path().string() + ": expected config.json in it"));
  const std::string endless(5000, 'a');
  EXPECT_THAT(load_error(endless), EndsWith(": cannot be accessed (File name too long)"));
}

TEST(CaptionerLoad, RefusesDevicesAndThreadsThatAreNone) {
  EXPECT_EQ(test::error_of([] { CaptionerConfig{.device = "tpu"}; }),
            "device: expected cpu, cuda, cuda:N or auto, got 'tpu'");
  EXPECT_EQ(load_error(tiny_folder(), {.threads = -1}), "threads: expected 0 (all cores) to 1024, got -1");
  EXPECT_EQ(load_error(tiny_folder(), {.threads = 1000000}),
            "threads: expected 0 (all cores) to 1024, got 1000000");
  EXPECT_THAT(load_error(tiny_folder(), {.device = "cuda:99"}),
              StartsWith("device: expected an available GPU, got cuda:99 with "));
}

/// Copies the small checkpoint's files with a changed config.json.
void copy_with_config(const std::filesystem::path& to, const std::function<void(nlohmann::json&)>& change) {
  std::filesystem::copy(tiny_folder(), to, std::filesystem::copy_options::recursive);
  auto config = parse_json(read_file(to / "config.json"), "config.json");
  change(config);
  std::ofstream(to / "config.json") << config.dump();
}

TEST(CaptionerLoad, RefusesASecondAdapterMergedAndApart) {
  const test::TemporaryFolder folder;
  std::filesystem::copy(tiny_folder(), folder.path(), std::filesystem::copy_options::recursive);
  const auto adapter = test::data_folder() / "lora" / "whole";
  for (const char* file : {"adapter_config.json", "adapter_model.safetensors"})
    std::filesystem::copy_file(adapter / file, folder / file);
  for (const bool merge : {true, false}) {
    EXPECT_EQ(load_error(folder.path(), {.adapter = adapter, .merge_adapter = merge}),
              adapter.string() + ": expected a model without an adapter of its own, got " +
                  folder.path().string() + " (merge that one first, with ccexpert-train --export)");
  }
}

TEST(CaptionerLoad, NamesTheConfigFileAndKeyThatAreWrong) {
  const test::TemporaryFolder folder;
  copy_with_config(folder.path(), [](auto& config) { config["hidden_size"] = "64"; });
  EXPECT_EQ(load_error(folder.path()),
            (folder / "config.json").string() + ": hidden_size: expected an integer, got \"64\"");
}

TEST(CaptionerLoad, NamesThePreprocessorsKeyThatIsWrong) {
  const test::TemporaryFolder folder;
  copy_with_config(folder.path(), [](auto&) {});
  folder.write("preprocessor_config.json", R"({"size": {"height": "84"}})");
  EXPECT_EQ(load_error(folder.path()), (folder / "preprocessor_config.json").string() +
                                           ": size: height: expected an integer, got \"84\"");
}

TEST(CaptionerLoad, WeightsWhoseSumsAreNoNumbersGiveNoCaption) {
  const test::TemporaryFolder folder;
  copy_with_config(folder.path(), [](auto&) {});
  test::spoil_numbers(folder / "model-00002-of-00002.safetensors");
  const PaintedPairs painted(1);
  const auto captioner = Captioner::load(folder.path(), {.device = "cpu"});
  for (const GenerationOptions& generation :
       {GenerationOptions{}, GenerationOptions{.beams = 2}, GenerationOptions{.temperature = 1.0}}) {
    EXPECT_THAT(error_of([&] { caption_of(captioner, painted[0], {.generation = generation}); }),
                StartsWith("logits: expected numbers, got nan"));
  }
}

TEST(CaptionerLoad, RefusesATokenizerOfMoreTokensThanTheModelHas) {
  const test::TemporaryFolder folder;
  copy_with_config(folder.path(), [](auto& config) { config["vocab_size"] = 400; });
  EXPECT_EQ(load_error(folder.path()),
            folder.path().string() +
                ": expected a tokenizer of at most 400 tokens, got 483 (tokenizer and model do not belong "
                "together)");
}

TEST(CaptionerLoad, RefusesWeightsThatDoNotFitTheConfig) {
  const test::TemporaryFolder folder;
  copy_with_config(folder.path(), [](auto& config) { config["num_hidden_layers"] = 3; });
  const auto text = load_error(folder.path(), {.device = "cpu"});
  EXPECT_THAT(text, StartsWith(folder.path().string()));
  EXPECT_THAT(text, ::testing::HasSubstr("tensors do not fit the model; 12 missing: model.layers.2."));
}

TEST(CaptionerLoad, DescribesItself) {
  EXPECT_TRUE(tiny_captioner().has_diff_expert());
  EXPECT_EQ(tiny_captioner().description(),
            "1.7 M parameters, 84 px, 4 scales, 2 decoder layers, float32 on cpu");
}

TEST(CaptionerLoad, CountsWhatItDid) {
  const auto captioner = Captioner::load(tiny_folder(), {.device = "cpu"});
  const auto before = captioner.timings();
  EXPECT_GT(before.load, 0.0);
  EXPECT_EQ(before.pairs, 0);
  const PaintedPairs pairs(2);
  const auto captions = captioner.caption(pairs.views());
  const auto after = captioner.timings();
  EXPECT_EQ(after.pairs, 2);
  // The reference's prompt has two placeholders, each of which becomes 36 image tokens.
  const auto prompt = static_cast<int64_t>(test::tiny_expected()["pairs"][0]["ids"].size()) - 2 + 72;
  EXPECT_EQ(after.prompt_tokens, 2 * prompt);
  EXPECT_EQ(after.generated_tokens,
            static_cast<int64_t>(captions[0].token_ids.size() + captions[1].token_ids.size()));
  for (const auto stage :
       {&CaptionerTimings::preprocess, &CaptionerTimings::vision, &CaptionerTimings::diff_expert,
        &CaptionerTimings::prefill, &CaptionerTimings::decode}) {
    EXPECT_GT(after.*stage, 0.0);
  }
}

TEST(CaptionerLoad, ABaseWithoutDiffExpertCaptionsWithoutIt) {
  const test::TemporaryFolder folder;
  test::write_base_checkpoint(folder.path());
  const auto base = Captioner::load(folder.path(), {.device = "cpu"});
  EXPECT_FALSE(base.has_diff_expert());
  EXPECT_THAT(base.description(), ::testing::HasSubstr(" 1 scales, "));
  const PaintedPairs pairs(2);
  const auto captions = base.caption(pairs.views(), {.change_feature = true});
  for (size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_FALSE(captions[i].change_feature) << "missing without a Diff Expert";
    EXPECT_EQ(captions[i].token_ids, caption_of(base, pairs[i]).token_ids);
    EXPECT_NE(captions[i].logprob, caption_of(tiny_captioner(), pairs[i]).logprob);
  }
}

class HalfPrecision : public ::testing::TestWithParam<Precision> {};

TEST_P(HalfPrecision, CaptionsCloseToFloat32) {
  const auto half = Captioner::load(tiny_folder(), {.device = "cpu", .dtype = GetParam()});
  EXPECT_THAT(half.description(), ::testing::HasSubstr(text_of(GetParam()) + " on cpu"));
  const PaintedPairs pairs(3);
  for (size_t i = 0; i < pairs.size(); ++i) {
    // Only the first token: a later one may follow another choice between near equals.
    const CaptionOptions first{.generation = {.max_new_tokens = 1}};
    const auto expected = caption_of(tiny_captioner(), pairs[i], first);
    const auto found = caption_of(half, pairs[i], first);
    EXPECT_NEAR(found.logprob, expected.logprob, 0.1) << "pair " << i;
    EXPECT_FALSE(caption_of(half, pairs[i]).text.empty()) << "pair " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, HalfPrecision, ::testing::Values(Precision::kBfloat16, Precision::kFloat16),
                         [](const auto& test) { return text_of(test.param); });

TEST(CaptionerLoad, AutoIsTheFastestPrecisionAndTheStandardIsFloat32) {
  const auto fastest = Captioner::load(tiny_folder(), {.device = "cpu", .dtype = Precision::kAuto});
  EXPECT_THAT(fastest.description(), ::testing::HasSubstr(" int8 on cpu"));
  EXPECT_THAT(fastest.engine(), ::testing::HasSubstr(" int8"));
  const auto standard = Captioner::load(tiny_folder(), {.device = "cpu"});
  EXPECT_THAT(standard.description(), ::testing::HasSubstr(" float32 on cpu"));
  EXPECT_THAT(standard.engine(), ::testing::HasSubstr(" float32, "));
}

TEST(CaptionerLoad, Int8CaptionsCloseToFloat32) {
  const auto int8 = Captioner::load(tiny_folder(), {.device = "cpu", .dtype = Precision::kInt8});
  EXPECT_THAT(int8.description(), ::testing::HasSubstr(" int8 on cpu"));
  const PaintedPairs pairs(3);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const CaptionOptions first{.generation = {.max_new_tokens = 1}};
    EXPECT_NEAR(caption_of(int8, pairs[i], first).logprob,
                caption_of(tiny_captioner(), pairs[i], first).logprob, 0.15)
        << "pair " << i;
  }
}

TEST(CaptionerLoad, Int8CaptionsOfABatchAreThoseOfItsPairs) {
  const auto int8 = Captioner::load(tiny_folder(), {.device = "cpu", .dtype = Precision::kInt8});
  const PaintedPairs pairs(3);
  const auto batch = int8.caption(pairs.views());
  for (size_t i = 0; i < pairs.size(); ++i)
    EXPECT_EQ(batch[i].token_ids, caption_of(int8, pairs[i]).token_ids);
}

TEST(CaptionerLoad, MovesKeepTheModel) {
  const PaintedPairs pairs(1);
  const auto expected = caption_of(tiny_captioner(), pairs[0]).token_ids;
  auto first = Captioner::load(tiny_folder(), {.device = "cpu"});
  auto second = std::move(first);
  EXPECT_EQ(caption_of(second, pairs[0]).token_ids, expected);
  auto third = Captioner::load(tiny_folder(), {.device = "cpu"});
  third = std::move(second);
  EXPECT_EQ(caption_of(third, pairs[0]).token_ids, expected);
  static_assert(!std::is_copy_constructible_v<Captioner>);
}

}  // namespace
}  // namespace ccexpert::generate

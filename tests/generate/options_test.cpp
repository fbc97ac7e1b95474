#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <ccexpert/generate/options.h>

#include "support/errors.h"

namespace ccexpert::generate {
namespace {

std::string error_of(const GenerationOptions& options) {
  return test::error_of([&] { options.validate(); });
}

TEST(GenerationOptions, DefaultsAndLimitsAreValid) {
  EXPECT_EQ(error_of({}), "no error");
  EXPECT_EQ(error_of({.max_new_tokens = 1, .min_new_tokens = 1}), "no error");
  EXPECT_EQ(error_of({.max_new_tokens = 100000, .beams = 1024, .length_penalty = -10.0}), "no error");
  EXPECT_EQ(error_of({.temperature = 1000.0, .top_p = 1e-9, .top_k = std::numeric_limits<int64_t>::max()}),
            "no error");
  EXPECT_EQ(error_of({.beams = 4, .length_penalty = 10.0, .repetition_penalty = 1000.0, .seed = -1}),
            "no error");
}

TEST(GenerationOptions, RefusesLengthsOutOfRange) {
  EXPECT_EQ(error_of({.max_new_tokens = 0}), "max_new_tokens: expected 1 to 100000, got 0");
  EXPECT_EQ(error_of({.max_new_tokens = -5}), "max_new_tokens: expected 1 to 100000, got -5");
  EXPECT_EQ(error_of({.max_new_tokens = 100001}), "max_new_tokens: expected 1 to 100000, got 100001");
  EXPECT_EQ(error_of({.min_new_tokens = -1}), "min_new_tokens: expected 0 to 100000, got -1");
  EXPECT_EQ(error_of({.max_new_tokens = 8, .min_new_tokens = 9}),
            "min_new_tokens: expected 0 to max_new_tokens (8), got 9");
}

TEST(GenerationOptions, RefusesBeamsOutOfRange) {
  EXPECT_EQ(error_of({.beams = 0}), "beams: expected 1 to 1024, got 0");
  EXPECT_EQ(error_of({.beams = 1025}), "beams: expected 1 to 1024, got 1025");
  EXPECT_EQ(error_of({.length_penalty = 10.5}), "length_penalty: expected -10 to 10, got 10.5");
  EXPECT_EQ(error_of({.length_penalty = -11.0}), "length_penalty: expected -10 to 10, got -11");
}

TEST(GenerationOptions, RefusesSamplingOutOfRange) {
  EXPECT_EQ(error_of({.temperature = -0.1}), "temperature: expected 0 to 1000, got -0.1");
  EXPECT_EQ(error_of({.temperature = 1001.0}), "temperature: expected 0 to 1000, got 1001");
  EXPECT_EQ(error_of({.temperature = 1.0, .top_p = 0.0}), "top_p: expected above 0 and at most 1, got 0");
  EXPECT_EQ(error_of({.temperature = 1.0, .top_p = 1.5}), "top_p: expected above 0 and at most 1, got 1.5");
  EXPECT_EQ(error_of({.temperature = 1.0, .top_k = -1}), "top_k: expected at least 0, got -1");
  EXPECT_EQ(error_of({.repetition_penalty = 0.0}),
            "repetition_penalty: expected above 0 and at most 1000, got 0");
  EXPECT_EQ(error_of({.repetition_penalty = 1001.0}),
            "repetition_penalty: expected above 0 and at most 1000, got 1001");
}

TEST(GenerationOptions, RefusesWhatIsNoNumber) {
  const double nan = std::nan("");
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(error_of({.temperature = nan}), "temperature: expected 0 to 1000, got nan");
  EXPECT_EQ(error_of({.temperature = 1.0, .top_p = nan}), "top_p: expected above 0 and at most 1, got nan");
  EXPECT_EQ(error_of({.length_penalty = nan}), "length_penalty: expected -10 to 10, got nan");
  EXPECT_EQ(error_of({.repetition_penalty = infinity}),
            "repetition_penalty: expected above 0 and at most 1000, got inf");
}

TEST(GenerationOptions, RefusesCombinationsThatContradictEachOther) {
  EXPECT_EQ(error_of({.beams = 2, .temperature = 0.7}),
            "beams: expected 1 if temperature is above 0, got 2 (beam search does not sample)");
  const std::string greedy =
      "temperature: expected above 0 if top_p or top_k is set, got 0 (temperature 0 is greedy decoding)";
  EXPECT_EQ(error_of({.top_p = 0.9}), greedy);
  EXPECT_EQ(error_of({.top_k = 5}), greedy);
}

TEST(GenerationOptions, SamplingIsAskedForByEitherKey) {
  EXPECT_FALSE(GenerationOptions{}.samples());
  EXPECT_TRUE(GenerationOptions{.do_sample = true}.samples());
  EXPECT_TRUE((GenerationOptions{.temperature = 0.5}).samples());
  EXPECT_EQ(error_of({.do_sample = true, .top_p = 0.9}), "no error");
  EXPECT_EQ(error_of({.do_sample = true, .temperature = 0.0}),
            "temperature: expected above 0 with do_sample, got 0");
}

TEST(DecodingConfig, AnOptionWinsOverTheCheckpointAndThatOverTheDefault) {
  const GenerationOptions checkpoint{.max_new_tokens = 20, .repetition_penalty = 1.1, .stop_ids = {7}};
  const auto from_checkpoint = decoding_config({}, checkpoint);
  EXPECT_EQ(from_checkpoint.max_new_tokens, 20);
  EXPECT_EQ(from_checkpoint.repetition_penalty, 1.1);
  EXPECT_EQ(from_checkpoint.stop_ids, std::vector<int64_t>{7});
  const auto asked =
      decoding_config({.max_new_tokens = 5, .repetition_penalty = 1.0, .stop_ids = {8, 9}}, checkpoint);
  EXPECT_EQ(asked.max_new_tokens, 5);
  EXPECT_EQ(asked.repetition_penalty, 1.0);
  EXPECT_EQ(asked.stop_ids, (std::vector<int64_t>{8, 9}));
  const auto defaults = decoding_config({}, {});
  EXPECT_EQ(defaults.max_new_tokens, 64);
  EXPECT_EQ(defaults.repetition_penalty, 1.0);
}

TEST(DecodingConfig, SamplingValuesOfACheckpointCountOnlyIfSamplingIsAskedFor) {
  const GenerationOptions checkpoint{.do_sample = true, .temperature = 0.7, .top_p = 0.8, .top_k = 20};
  const auto greedy = decoding_config({}, checkpoint);
  EXPECT_EQ(greedy.temperature, 0.0);
  EXPECT_EQ(greedy.top_p, 1.0);
  EXPECT_EQ(greedy.top_k, 0);
  const auto sampling = decoding_config({.do_sample = true}, checkpoint);
  EXPECT_EQ(sampling.temperature, 0.7);
  EXPECT_EQ(sampling.top_p, 0.8);
  EXPECT_EQ(sampling.top_k, 20);
  const auto warmer = decoding_config({.temperature = 0.9, .top_k = 0}, checkpoint);
  EXPECT_EQ(warmer.temperature, 0.9);
  EXPECT_EQ(warmer.top_p, 0.8);
  EXPECT_EQ(warmer.top_k, 0);
  EXPECT_EQ(decoding_config({.do_sample = true}, {}).temperature, 1.0);
}

TEST(DecodingConfig, SaysInOneLineWhatHolds) {
  EXPECT_EQ(to_text({.max_new_tokens = 64, .repetition_penalty = 1.1, .stop_ids = {482, 480}}),
            "greedy, at most 64 tokens, repetition penalty 1.1, ends at 482, 480");
  EXPECT_EQ(
      to_text({.min_new_tokens = 2, .beams = 3, .length_penalty = 0.5, .stop_ids = {1}}),
      "3 beams (length penalty 0.5), at least 2 tokens, at most 64 tokens, repetition penalty 1, ends at 1");
  EXPECT_EQ(
      to_text({.temperature = 0.7, .top_p = 0.8, .top_k = 20, .stop_ids = {1}, .seed = 5}),
      "sampling (temperature 0.7, top_p 0.8, top_k 20, seed 5), at most 64 tokens, repetition penalty 1, "
      "ends at 1");
}

}  // namespace
}  // namespace ccexpert::generate

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include <ccexpert/generate/options.h>

#include "support/errors.h"

namespace ccexpert {
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
  EXPECT_EQ(error_of({.min_new_tokens = -1}), "min_new_tokens: expected 0 to max_new_tokens (64), got -1");
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
  EXPECT_EQ(error_of({.temperature = -0.1}), "temperature: expected 0 (greedy) to 1000, got -0.1");
  EXPECT_EQ(error_of({.temperature = 1001.0}), "temperature: expected 0 (greedy) to 1000, got 1001");
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
  EXPECT_EQ(error_of({.temperature = nan}), "temperature: expected 0 (greedy) to 1000, got nan");
  EXPECT_EQ(error_of({.temperature = 1.0, .top_p = nan}), "top_p: expected above 0 and at most 1, got nan");
  EXPECT_EQ(error_of({.length_penalty = nan}), "length_penalty: expected -10 to 10, got nan");
  EXPECT_EQ(error_of({.repetition_penalty = infinity}),
            "repetition_penalty: expected above 0 and at most 1000, got inf");
}

TEST(GenerationOptions, RefusesCombinationsThatContradictEachOther) {
  EXPECT_EQ(error_of({.beams = 2, .temperature = 0.7}),
            "beams: expected 1 where temperature is above 0, got 2 (beam search does not sample)");
  const std::string greedy =
      "temperature: expected above 0 where top_p or top_k is set, got 0 (temperature 0 is greedy decoding)";
  EXPECT_EQ(error_of({.top_p = 0.9}), greedy);
  EXPECT_EQ(error_of({.top_k = 5}), greedy);
}

}  // namespace
}  // namespace ccexpert

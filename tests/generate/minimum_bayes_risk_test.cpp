// Minimum-Bayes-risk decoding: the choice by hand, and captions of the small checkpoint.
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generate/search.h"
#include "generate/tiny_captioner.h"
#include "support/errors.h"

namespace ccexpert::generate {
namespace {

using test::error_of;
using test::PaintedPairs;
using test::tiny_captioner;
using ::testing::HasSubstr;

std::vector<GeneratedSequence> with_logprobs(const std::vector<double>& logprobs) {
  std::vector<GeneratedSequence> candidates;
  for (const double logprob : logprobs) candidates.push_back({.ids = {1}, .logprob = logprob});
  return candidates;
}

/// Number of equal characters at equal places.
double common(const std::string& one, const std::string& other) {
  double count = 0.0;
  for (size_t i = 0; i < std::min(one.size(), other.size()); ++i) count += one[i] == other[i] ? 1.0 : 0.0;
  return count;
}

TEST(LeastRisk, TakesTheCandidateThatAgreesMost) {
  const auto candidates = with_logprobs({0.0, -1.0, -2.0, -3.0});
  EXPECT_EQ(least_risk(candidates, std::vector<std::string>{"zzz", "abc", "abd", "xbc"}, common), 1U);
  EXPECT_EQ(least_risk(candidates, std::vector<std::string>{"abc", "abd", "xbc", "ayc"}, common), 0U)
      << "the greedy candidate agrees with samples, too";
}

TEST(LeastRisk, TheGreedyCandidateIsNoEvidence) {
  // Against the samples alone, "ab" and "cd" are equal, and the log-probability decides.
  const std::vector<std::string> texts{"ab", "ab", "ab", "cd", "cd"};
  EXPECT_EQ(least_risk(with_logprobs({-9.0, -3.0, -3.0, -1.0, -1.0}), texts, common), 0U)
      << "a greedy caption is compared with all samples: 4/4, a sample with the others: 2/3";
  const std::vector<std::string> apart{"xy", "ab", "ab", "cd", "cd"};
  EXPECT_EQ(least_risk(with_logprobs({-9.0, -3.0, -3.0, -1.0, -1.0}), apart, common), 3U);
}

TEST(LeastRisk, EqualCandidatesKeepTheirOrder) {
  const std::vector<std::string> texts{"xy", "ab", "ab", "ab"};
  EXPECT_EQ(least_risk(with_logprobs({0.0, -2.0, -2.0, -2.0}), texts, common), 1U);
  EXPECT_EQ(least_risk(with_logprobs({0.0, -2.0, -1.0, -2.0}), texts, common), 2U);
}

TEST(LeastRisk, ComparesEqualTextsOnce) {
  std::map<std::string, int> calls;
  const auto counting = [&](const std::string& one, const std::string& other) {
    ++calls[one + "|" + other];
    return common(one, other);
  };
  least_risk(with_logprobs({0.0, 0.0, 0.0, 0.0}), std::vector<std::string>{"ab", "ab", "ab", "cd"}, counting);
  EXPECT_EQ(calls["ab|cd"], 1);
}

CaptionOptions risk_options(int64_t samples, int64_t seed = 42) {
  CaptionOptions options;
  options.generation.mbr = samples;
  options.generation.max_new_tokens = 6;
  options.generation.seed = seed;
  options.utility = common;
  return options;
}

TEST(MinimumBayesRisk, ACaptionDependsOnTheSeedAndItsOwnPair) {
  const PaintedPairs pairs(3);
  const auto batch = tiny_captioner().caption(pairs.views(), risk_options(8));
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto alone = tiny_captioner().caption(std::span(&pairs[i], 1), risk_options(8)).front();
    EXPECT_EQ(batch[i].token_ids, alone.token_ids);
  }
  bool differs = false;
  for (int64_t seed = 0; seed < 5; ++seed) {
    const auto other = tiny_captioner().caption(pairs.views(), risk_options(8, seed));
    for (size_t i = 0; i < pairs.size(); ++i) differs = differs || other[i].token_ids != batch[i].token_ids;
  }
  EXPECT_TRUE(differs);
}

TEST(MinimumBayesRisk, CandidatesAreTheGreedyCaptionAndDistinctSamples) {
  const PaintedPairs pairs(1);
  auto options = risk_options(6);
  std::map<std::string, int> seen;
  options.utility = [&](const std::string& one, const std::string&) {
    ++seen[one];
    return 0.0;
  };
  const auto chosen = tiny_captioner().caption(pairs.views(), options).front();
  auto greedy = risk_options(0);
  greedy.utility = {};
  const auto plain = tiny_captioner().caption(pairs.views(), greedy).front();
  EXPECT_TRUE(seen.contains(plain.text));
  EXPECT_GT(seen.size(), 2U) << "the samples are equal";
  // All utilities are equal: the most probable candidate is chosen.
  EXPECT_GE(chosen.logprob, plain.logprob - 1e-5);
}

TEST(MinimumBayesRisk, RefusesWhatContradictsIt) {
  const PaintedPairs pairs(1);
  const auto error = [&](const CaptionOptions& options) {
    return error_of([&] { tiny_captioner().caption(pairs.views(), options); });
  };
  auto options = risk_options(4);
  options.utility = {};
  EXPECT_THAT(error(options), HasSubstr("mbr: expected a utility in the options, got none"));
  options = risk_options(4);
  options.on_token = [](const TokenEvent&) { return true; };
  EXPECT_EQ(error(options), "on_token: expected no minimum-Bayes-risk decoding, got 4 samples");
  options = risk_options(4);
  options.generation.beams = 3;
  EXPECT_EQ(error(options), "beams: expected 1 with mbr, got 3 (minimum-Bayes-risk decoding samples)");
  options = risk_options(4);
  options.generation.temperature = 0.0;
  EXPECT_EQ(error(options), "temperature: expected above 0 with mbr, which samples, got 0");
  EXPECT_EQ(error(risk_options(1)),
            "mbr: expected 0 or at least 2, got 1 (a single sample has no other to agree with)");
  EXPECT_EQ(error(risk_options(1025)), "mbr: expected 0 to 1024, got 1025");
  options = risk_options(0);
  options.generation.mbr_metric = CaptionMetric::kRougeL;
  EXPECT_EQ(error(options), "mbr_metric: expected cider, as mbr is 0, got rouge");
}

TEST(MinimumBayesRisk, IsNamedInTheSettings) {
  const auto decoding = tiny_captioner().decoding({.mbr = 8, .mbr_metric = CaptionMetric::kSStarM});
  EXPECT_EQ(decoding.temperature, 1.0);
  EXPECT_THAT(to_text(decoding), HasSubstr("minimum Bayes risk by sm, 8 samples, sampling (temperature 1"));
}

}  // namespace
}  // namespace ccexpert::generate

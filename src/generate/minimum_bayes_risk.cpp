// Minimum-Bayes-risk decoding: the candidate that agrees most with samples of the model.
#include <algorithm>
#include <map>
#include <numeric>

#include <ccexpert/core/error.h>

#include "core/counter_random.h"
#include "generate/search.h"

namespace ccexpert::generate {
namespace {

/// Returns how often each text stands among the samples, which are all texts but the first.
std::map<std::string, int64_t> sample_counts(std::span<const std::string> texts) {
  std::map<std::string, int64_t> counts;
  for (const auto& text : texts.subspan(1)) ++counts[text];
  return counts;
}

/// Mean utilities of texts against samples. Equal texts have equal means to the last bit.
class MeanUtility {
 public:
  MeanUtility(std::span<const std::string> texts, const CaptionUtility& utility)
      : counts_(sample_counts(texts)), samples_(std::ssize(texts) - 1), utility_(utility) {}

  /// Returns the mean for the text of a sample, which is not compared with itself, or of the greedy
  /// candidate.
  double of(const std::string& text, bool is_sample) {
    const auto [found, fresh] = sums_.try_emplace(text, 0.0);
    if (fresh) found->second = sum_of(text);
    if (!is_sample) return found->second / static_cast<double>(samples_);
    return (found->second - utility_(text, text)) / static_cast<double>(samples_ - 1);
  }

 private:
  double sum_of(const std::string& text) const {
    double sum = 0.0;
    for (const auto& [other, count] : counts_) sum += static_cast<double>(count) * utility_(text, other);
    return sum;
  }

  const std::map<std::string, int64_t> counts_;
  const int64_t samples_;
  const CaptionUtility& utility_;
  std::map<std::string, double> sums_;
};

}  // namespace

std::vector<SampleSeed> candidate_seeds(const DecodingConfig& decoding) {
  const CounterRandom random(RandomUse::kRisk, static_cast<uint64_t>(decoding.seed), 0);
  std::vector<SampleSeed> seeds{std::nullopt};
  for (int64_t sample = 0; sample < decoding.mbr; ++sample)
    seeds.emplace_back(random.at(static_cast<uint64_t>(sample)));
  return seeds;
}

size_t least_risk(std::span<const GeneratedSequence> candidates, std::span<const std::string> texts,
                  const CaptionUtility& utility) {
  MeanUtility means(texts, utility);
  std::vector<std::pair<double, double>> ranks;  // mean utility, log-probability
  for (size_t i = 0; i < candidates.size(); ++i)
    ranks.emplace_back(means.of(texts[i], i > 0), candidates[i].logprob);
  return static_cast<size_t>(std::max_element(ranks.begin(), ranks.end()) - ranks.begin());
}

std::vector<GeneratedSequence> minimum_bayes_risk(const DecoderSequences& prompts,
                                                  const SearchRequest& request) {
  if (!request.choose) fail_expected({"mbr", "a utility that compares captions", "none"});
  auto of_candidates = request;
  of_candidates.seeds = candidate_seeds(request.decoding);
  std::vector<GeneratedSequence> results;
  for (int64_t prompt = 0; prompt < prompts.logits().size(0); ++prompt) {
    auto candidates = prompts.repeated(prompt, std::ssize(of_candidates.seeds));
    auto generated = sample(candidates, of_candidates);
    const bool stopped = request.stop.stop_requested();
    results.push_back(std::move(generated[stopped ? 0 : request.choose(generated)]));
    if (stopped) results.back().finish = FinishReason::kCancelled;
  }
  return results;
}

}  // namespace ccexpert::generate

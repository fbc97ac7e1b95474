#include "train/consensus.h"

#include <cmath>
#include <numeric>

#include <ATen/ATen.h>

#include "eval/shared/caption_scorer.h"

namespace ccexpert::train {
namespace {

/// Returns the captions without the one at `index`.
std::vector<std::string> others(const std::vector<std::string>& captions, size_t index) {
  auto rest = captions;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(index));
  return rest;
}

std::vector<float> weights_of_pair(const std::vector<std::string>& captions, double strength,
                                   eval::CaptionScorer& scorer) {
  std::vector<float> weights(captions.size(), 1.0F);
  if (captions.size() < 2) return weights;
  std::vector<double> powers;
  for (size_t i = 0; i < captions.size(); ++i)
    powers.push_back(std::pow(scorer.score(captions[i], others(captions, i)), strength));
  const double mean = std::accumulate(powers.begin(), powers.end(), 0.0) / static_cast<double>(powers.size());
  if (mean == 0.0) return weights;
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<float>(powers[i] / mean);
  return weights;
}

}  // namespace

CaptionWeights consensus_weights(const std::vector<data::ChangeExample>& pairs, double strength) {
  if (strength == 0.0) return {};
  std::vector<std::vector<std::string>> documents;
  for (const auto& pair : pairs) documents.push_back(pair.captions);
  eval::CaptionScorer scorer({}, documents);
  CaptionWeights weights;
  for (const auto& pair : pairs) weights.push_back(weights_of_pair(pair.captions, strength, scorer));
  return weights;
}

at::Tensor weights_of_samples(const CaptionWeights& weights, const std::vector<data::SampleIndex>& samples) {
  if (weights.empty()) return {};
  std::vector<float> values;
  for (const auto& [pair, caption] : samples)
    values.push_back(weights.at(static_cast<size_t>(pair)).at(static_cast<size_t>(caption)));
  return at::tensor(values, at::kFloat);
}

}  // namespace ccexpert::train

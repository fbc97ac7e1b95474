// BLEU as the COCO evaluation computes it, smoothing constants included.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <ccexpert/eval/metrics.h>

#include "eval/ngrams.h"
#include "eval/row_metric.h"

namespace ccexpert::eval {
namespace {

/// Columns of a row: n-grams that match, by order; n-grams of the prediction, by order; the two lengths.
constexpr size_t kGuessed = kMaxOrder;
constexpr size_t kPredictionLength = 2 * kMaxOrder;
constexpr size_t kReferenceLength = kPredictionLength + 1;
constexpr size_t kColumns = kReferenceLength + 1;

/// Avoid the logarithm of zero and division by zero if nothing matches.
constexpr double kTiny = 1e-15;
constexpr double kSmall = 1e-9;

/// Returns the reference length closest to `words`; the shorter one if two are equally close.
size_t closest_length(const std::vector<NgramCounts>& references, size_t words) {
  const auto distance = [&](size_t length) { return length > words ? length - words : words - length; };
  size_t best = references.front().words;
  for (const auto& reference : references) {
    const size_t length = reference.words;
    if (std::pair(distance(length), length) < std::pair(distance(best), best)) best = length;
  }
  return best;
}

/// Returns the number of matching n-grams, each counted at most as often as in one reference.
uint32_t clipped_matches(const std::vector<NgramCount>& prediction,
                         const std::vector<NgramCounts>& references, size_t order) {
  std::vector<NgramCount> best = prediction;
  for (auto& each : best) each.count = 0;
  for (const auto& reference : references) {
    auto next = best.begin();
    for_common(prediction, reference.orders[order], [&](const NgramCount& own, const NgramCount& other) {
      while (next->id != own.id) ++next;
      next->count = std::max(next->count, std::min(own.count, other.count));
    });
  }
  uint32_t matches = 0;
  for (const auto& each : best) matches += each.count;
  return matches;
}

class Bleu : public RowMetric {
 public:
  std::vector<std::string> names() const override { return {"BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4"}; }

  std::vector<double> from_sums(std::span<const double> sums) const override {
    const double ratio = (sums[kPredictionLength] + kTiny) / (sums[kReferenceLength] + kSmall);
    const double brevity = ratio < 1.0 ? std::exp(1.0 - 1.0 / ratio) : 1.0;
    std::vector<double> values;
    double product = 1.0;
    for (size_t order = 0; order < kMaxOrder; ++order) {
      product *= (sums[order] + kTiny) / (sums[kGuessed + order] + kSmall);
      values.push_back(std::pow(product, 1.0 / static_cast<double>(order + 1)) * brevity);
    }
    return values;
  }

 protected:
  std::vector<double> row_of(const CaptionedPair& pair) override {
    const auto prediction = ids_.count(pair.prediction);
    std::vector<NgramCounts> references;
    for (const auto& text : pair.references) references.push_back(ids_.count(text));
    std::vector<double> row(kColumns, 0.0);
    for (size_t order = 0; order < kMaxOrder; ++order) {
      row[order] = clipped_matches(prediction.orders[order], references, order);
      row[kGuessed + order] =
          static_cast<double>(prediction.words > order ? prediction.words - order : size_t{0});
    }
    row[kPredictionLength] = static_cast<double>(prediction.words);
    row[kReferenceLength] = static_cast<double>(closest_length(references, prediction.words));
    return row;
  }

 private:
  NgramIds ids_;
};

}  // namespace

std::unique_ptr<Metric> make_bleu() {
  return std::make_unique<Bleu>();
}

}  // namespace ccexpert::eval

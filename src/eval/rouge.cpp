// ROUGE-L as the COCO evaluation computes it.
#include <algorithm>

#include <ccexpert/eval/metrics.h>

#include "eval/row_metric.h"
#include "eval/words.h"

namespace ccexpert::eval {
namespace {

constexpr double kBetaSquared = 1.2 * 1.2;

using Words = std::vector<std::string_view>;

size_t longest_common_subsequence(const Words& one, const Words& other) {
  std::vector<size_t> lengths(other.size() + 1, 0);  // for the words of `one` so far
  for (const auto word : one) {
    size_t diagonal = 0;
    for (size_t i = 1; i <= other.size(); ++i) {
      const size_t above = lengths[i];
      lengths[i] = word == other[i - 1] ? diagonal + 1 : std::max(above, lengths[i - 1]);
      diagonal = above;
    }
  }
  return lengths.back();
}

double rouge_l(const CaptionedPair& pair) {
  const auto prediction = split_blanks(pair.prediction);
  double precision = 0.0, recall = 0.0;
  for (const auto& text : pair.references) {
    const auto reference = split_blanks(text);
    const auto common = static_cast<double>(longest_common_subsequence(prediction, reference));
    precision = std::max(precision, common / static_cast<double>(prediction.size()));
    recall = std::max(recall, common / static_cast<double>(reference.size()));
  }
  if (precision == 0.0 || recall == 0.0) return 0.0;
  return (1.0 + kBetaSquared) * precision * recall / (recall + kBetaSquared * precision);
}

class RougeL : public RowMetric {
 public:
  std::vector<std::string> names() const override { return {"ROUGE-L"}; }
  std::vector<double> from_sums(std::span<const double> sums) const override { return {mean_of(sums)}; }

 protected:
  std::vector<double> row_of(const CaptionedPair& pair) override { return {rouge_l(pair), 1.0}; }
};

}  // namespace

std::unique_ptr<Metric> make_rouge_l() {
  return std::make_unique<RougeL>();
}

}  // namespace ccexpert::eval

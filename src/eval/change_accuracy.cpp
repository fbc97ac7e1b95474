#include <unordered_set>

#include <ccexpert/eval/metrics.h>

#include "core/unchanged_sentences.h"
#include "eval/row_metric.h"
#include "eval/words.h"

namespace ccexpert::eval {
namespace {

class ChangeAccuracy : public RowMetric {
 public:
  explicit ChangeAccuracy(const std::vector<std::string>& unchanged_sentences) {
    for (const auto& sentence : unchanged_sentences) unchanged_.insert(joined_words(sentence));
  }

  std::vector<std::string> names() const override { return {"change accuracy"}; }
  std::vector<double> from_sums(std::span<const double> sums) const override { return {mean_of(sums)}; }

 protected:
  std::vector<double> row_of(const CaptionedPair& pair) override {
    if (!pair.changed) return {0.0, 0.0};
    const bool says_changed = !unchanged_.contains(joined_words(pair.prediction));
    return {says_changed == *pair.changed ? 1.0 : 0.0, 1.0};
  }

 private:
  std::unordered_set<std::string> unchanged_;
};

}  // namespace

std::unique_ptr<Metric> make_change_accuracy(const std::vector<std::string>& unchanged_sentences) {
  return std::make_unique<ChangeAccuracy>(unchanged_sentences);
}

const std::vector<std::string>& levir_cc_unchanged_sentences() {
  static const std::vector<std::string> sentences(kUnchangedSentences.begin(), kUnchangedSentences.end());
  return sentences;
}

}  // namespace ccexpert::eval

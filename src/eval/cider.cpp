// CIDEr-D and CIDEr as the COCO evaluation computes them.
#include <algorithm>
#include <cmath>

#include <ccexpert/eval/metrics.h>

#include "eval/ngrams.h"
#include "eval/row_metric.h"

namespace ccexpert::eval {
namespace {

constexpr double kSigma = 6.0;
constexpr double kScale = 10.0;

/// Variant: CIDEr or CIDEr-D.
enum class Kind { kPlain, kD };

/// N-grams of a text, weighted by their rarity.
struct Vector {
  std::array<std::vector<double>, kMaxOrder> weights;  ///< in the order of the counts
  std::array<double, kMaxOrder> norms{};
  double length = 0.0;  ///< number of bigrams, which the reference uses as the length
};

class Cider : public Metric {
 public:
  explicit Cider(Kind kind) : kind_(kind) {}

  std::vector<std::string> names() const override { return {kind_ == Kind::kD ? "CIDEr-D" : "CIDEr"}; }

  void add(const CaptionedPair& pair) override {
    Texts texts{ids_.count(pair.prediction), {}};
    for (const auto& text : pair.references) texts.references.push_back(ids_.count(text));
    count_documents(texts.references);
    samples_.push_back(std::move(texts));
  }

  void reset() override {
    samples_.clear();
    documents_.clear();
  }

  std::vector<std::vector<double>> statistics() const override {
    std::vector<std::vector<double>> rows;
    rows.reserve(samples_.size());
    for (const auto& texts : samples_) rows.push_back({score(texts), 1.0});
    return rows;
  }

  std::vector<double> from_sums(std::span<const double> sums) const override { return {mean_of(sums)}; }

 private:
  struct Texts {
    NgramCounts prediction;
    std::vector<NgramCounts> references;
  };

  /// Counts for each n-gram the pairs whose references contain it.
  void count_documents(const std::vector<NgramCounts>& references) {
    documents_.resize(ids_.size(), 0);
    std::vector<uint32_t> seen;
    for (const auto& reference : references) {
      for (const auto& order : reference.orders) {
        for (const auto& each : order) seen.push_back(each.id);
      }
    }
    std::sort(seen.begin(), seen.end());
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    for (const uint32_t id : seen) ++documents_[id];
  }

  double rarity(uint32_t id) const {
    const double documents = id < documents_.size() ? documents_[id] : 0.0;
    return std::log(static_cast<double>(samples_.size())) - std::log(std::max(1.0, documents));
  }

  Vector to_vector(const NgramCounts& counts) const {
    Vector vector;
    for (size_t order = 0; order < kMaxOrder; ++order) {
      double squares = 0.0;
      for (const auto& each : counts.orders[order]) {
        const double weight = each.count * rarity(each.id);
        vector.weights[order].push_back(weight);
        squares += weight * weight;
        if (order == 1) vector.length += each.count;
      }
      vector.norms[order] = std::sqrt(squares);
    }
    return vector;
  }

  double similarity(const NgramCounts& counts, const Vector& prediction, const NgramCounts& reference_counts,
                    const Vector& reference) const {
    double sum = 0.0;
    for (size_t order = 0; order < kMaxOrder; ++order) {
      const auto& own = counts.orders[order];
      const auto& other = reference_counts.orders[order];
      double product = 0.0;
      for_common(own, other, [&](const NgramCount& a, const NgramCount& b) {
        const double weight = prediction.weights[order][static_cast<size_t>(&a - own.data())];
        const double expected = reference.weights[order][static_cast<size_t>(&b - other.data())];
        product += (kind_ == Kind::kD ? std::min(weight, expected) : weight) * expected;
      });
      const double norm = prediction.norms[order] * reference.norms[order];
      sum += norm > 0.0 ? product / norm : product;
    }
    if (kind_ == Kind::kPlain) return sum;
    const double difference = prediction.length - reference.length;
    return sum * std::exp(-difference * difference / (2.0 * kSigma * kSigma));
  }

  double score(const Texts& texts) const {
    const auto prediction = to_vector(texts.prediction);
    double sum = 0.0;
    for (const auto& reference : texts.references)
      sum += similarity(texts.prediction, prediction, reference, to_vector(reference));
    return kScale * sum / static_cast<double>(kMaxOrder * texts.references.size());
  }

  Kind kind_;
  NgramIds ids_;
  std::vector<Texts> samples_;
  std::vector<uint32_t> documents_;  ///< by n-gram id
};

}  // namespace

std::unique_ptr<Metric> make_cider_d() {
  return std::make_unique<Cider>(Kind::kD);
}

std::unique_ptr<Metric> make_cider() {
  return std::make_unique<Cider>(Kind::kPlain);
}

}  // namespace ccexpert::eval

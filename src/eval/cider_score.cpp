#include "eval/cider_score.h"

#include <algorithm>
#include <cmath>

namespace ccexpert::eval {
namespace {

constexpr double kSigma = 6.0;
constexpr double kScale = 10.0;

/// N-grams of a text, weighted by their rarity.
struct Vector {
  std::array<std::vector<double>, kMaxOrder> weights;  ///< in the order of the counts
  std::array<double, kMaxOrder> norms{};
  double length = 0.0;  ///< number of bigrams, which the reference uses as the length
};

Vector to_vector(const NgramCounts& counts, const DocumentCounts& documents) {
  Vector vector;
  for (size_t order = 0; order < kMaxOrder; ++order) {
    double squares = 0.0;
    for (const auto& each : counts.orders[order]) {
      const double weight = each.count * documents.rarity(each.id);
      vector.weights[order].push_back(weight);
      squares += weight * weight;
      if (order == 1) vector.length += each.count;
    }
    vector.norms[order] = std::sqrt(squares);
  }
  return vector;
}

/// Text with its n-grams as counts and as a vector.
struct Text {
  const NgramCounts& counts;
  Vector vector;
};

double similarity(CiderKind kind, const Text& prediction, const Text& reference) {
  double sum = 0.0;
  for (size_t order = 0; order < kMaxOrder; ++order) {
    const auto& own = prediction.counts.orders[order];
    const auto& other = reference.counts.orders[order];
    double product = 0.0;
    for_common(own, other, [&](const NgramCount& a, const NgramCount& b) {
      const double weight = prediction.vector.weights[order][static_cast<size_t>(&a - own.data())];
      const double expected = reference.vector.weights[order][static_cast<size_t>(&b - other.data())];
      product += (kind == CiderKind::kD ? std::min(weight, expected) : weight) * expected;
    });
    const double norm = prediction.vector.norms[order] * reference.vector.norms[order];
    sum += norm > 0.0 ? product / norm : product;
  }
  if (kind == CiderKind::kPlain) return sum;
  const double difference = prediction.vector.length - reference.vector.length;
  return sum * std::exp(-difference * difference / (2.0 * kSigma * kSigma));
}

}  // namespace

void DocumentCounts::add(const std::vector<NgramCounts>& texts, size_t ids) {
  ++documents_;
  counts_.resize(ids, 0);
  std::vector<uint32_t> seen;
  for (const auto& text : texts) {
    for (const auto& order : text.orders) {
      for (const auto& each : order) seen.push_back(each.id);
    }
  }
  std::sort(seen.begin(), seen.end());
  seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
  for (const uint32_t id : seen) ++counts_[id];
}

void DocumentCounts::clear() {
  documents_ = 0;
  counts_.clear();
}

double DocumentCounts::rarity(uint32_t id) const {
  if (documents_ == 0) return 1.0;
  const double documents = id < counts_.size() ? counts_[id] : 0.0;
  return std::log(static_cast<double>(documents_)) - std::log(std::max(1.0, documents));
}

double cider_score(CiderKind kind, const DocumentCounts& documents, const NgramCounts& prediction,
                   const std::vector<NgramCounts>& references) {
  const Text own{prediction, to_vector(prediction, documents)};
  double sum = 0.0;
  for (const auto& reference : references)
    sum += similarity(kind, own, {reference, to_vector(reference, documents)});
  return kScale * sum / static_cast<double>(kMaxOrder * references.size());
}

}  // namespace ccexpert::eval

#include "eval/shared/seed_statistics.h"

#include <cmath>
#include <limits>
#include <numeric>

namespace ccexpert::eval {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

struct Moments {
  double mean = kUnknown;
  double variance = kUnknown;  ///< of the mean, without bias
};

Moments moments_of(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  if (values.empty()) return {};
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  if (values.size() == 1) return {.mean = mean};
  double squares = 0.0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {.mean = mean, .variance = squares / (count - 1.0) / count};
}

/// Returns the probability between 0 and t of Student's distribution. The density in the angle atan(t / √ν)
/// is a power of a cosine, which Simpson's rule integrates to many digits.
double probability_to(double t, double freedom) {
  constexpr int kSteps = 2000;  // even
  const double scale =
      std::exp(std::lgamma((freedom + 1.0) / 2.0) - std::lgamma(freedom / 2.0)) / std::sqrt(std::acos(-1.0));
  const double end = std::atan(t / std::sqrt(freedom)), step = end / kSteps;
  const auto density = [&](int i) { return std::pow(std::cos(i * step), freedom - 1.0); };
  double sum = density(0) + density(kSteps);
  for (int i = 1; i < kSteps; ++i) sum += (i % 2 == 1 ? 4.0 : 2.0) * density(i);
  return scale * sum * step / 3.0;
}

double margin_of(double variance, double freedom, double confidence) {
  return student_quantile(0.5 + confidence / 2.0, freedom) * std::sqrt(variance);
}

}  // namespace

double student_quantile(double p, double freedom) {
  if (p < 0.5) return -student_quantile(1.0 - p, freedom);
  double low = 0.0, high = 1.0;
  while (probability_to(high, freedom) < p - 0.5) high *= 2.0;
  constexpr int kHalvings = 60;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2.0;
    (probability_to(middle, freedom) < p - 0.5 ? low : high) = middle;
  }
  return high;
}

Spread mean_of_seeds(const std::vector<double>& values, double confidence) {
  const auto [mean, variance] = moments_of(values);
  if (std::isnan(variance)) return {mean, kUnknown};
  return {mean, margin_of(variance, static_cast<double>(values.size()) - 1.0, confidence)};
}

Spread difference_of_seeds(const std::vector<double>& first, const std::vector<double>& other,
                           double confidence) {
  const auto a = moments_of(first), b = moments_of(other);
  const double difference = b.mean - a.mean, variance = a.variance + b.variance;
  if (std::isnan(variance)) return {difference, kUnknown};
  if (variance == 0.0) return {difference, 0.0};
  // Welch and Satterthwaite.
  const double freedom = variance * variance /
                         (a.variance * a.variance / (static_cast<double>(first.size()) - 1.0) +
                          b.variance * b.variance / (static_cast<double>(other.size()) - 1.0));
  return {difference, margin_of(variance, freedom, confidence)};
}

}  // namespace ccexpert::eval

/// Interface of all caption metrics.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <ccexpert/eval/captioned_pair.h>

namespace ccexpert::eval {

/// Scores of the added samples. Values are fractions (CIDEr's may exceed 1); an undefined value, such as an
/// accuracy without a decision, is NaN.
/// A corpus score is a function of sums over its pairs: of n-gram counts for BLEU, of matched words for
/// METEOR, of scores for a mean. `statistics` returns these summands, which makes resampling cheap.
class Metric {
 public:
  virtual ~Metric() = default;
  Metric() = default;
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;

  /// Names of the values, such as "BLEU-1".
  virtual std::vector<std::string> names() const = 0;
  /// Adds a tokenized pair with at least one reference.
  virtual void add(const CaptionedPair& pair) = 0;
  /// Removes all samples.
  virtual void reset() = 0;

  /// Returns one row per pair, in the order of adding.
  virtual std::vector<std::vector<double>> statistics() const = 0;
  /// Returns the values for a sum of rows.
  virtual std::vector<double> from_sums(std::span<const double> sums) const = 0;

  /// Returns the values of all samples together; all NaN without samples.
  std::vector<double> value() const;
};

}  // namespace ccexpert::eval

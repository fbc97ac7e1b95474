/// What every metric of captions is.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <ccexpert/eval/sample.h>

namespace ccexpert::eval {

/// Scores of the samples that were added. Values are fractions, CIDEr's may exceed 1; one that nothing tells
/// of (an accuracy without a decision) is NaN.
///
/// A score of a whole corpus is a function of sums over its pairs: of n-gram counts for BLEU, of matched
/// words for METEOR, of scores for a mean. `statistics` are those summands, which makes resampling cheap.
class Metric {
 public:
  virtual ~Metric() = default;
  Metric() = default;
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;

  /// Names of the values, as "BLEU-1".
  virtual std::vector<std::string> names() const = 0;
  /// `sample` is tokenized, and has at least one reference.
  virtual void add(const Sample& sample) = 0;
  /// Forgets all samples.
  virtual void reset() = 0;

  /// A row for each sample, in the order of adding.
  virtual std::vector<std::vector<double>> statistics() const = 0;
  /// The values that a sum of rows stands for.
  virtual std::vector<double> from_sums(std::span<const double> sums) const = 0;

  /// The values of all samples together; all NaN where there is none.
  std::vector<double> value() const;
};

}  // namespace ccexpert::eval

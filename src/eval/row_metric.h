// Base of metrics whose pairs are independent of each other.
#pragma once

#include <vector>

#include <ccexpert/eval/metric.h>

namespace ccexpert::eval {

/// Metric that keeps one row per pair.
class RowMetric : public Metric {
 public:
  void add(const CaptionedPair& pair) override { rows_.push_back(row_of(pair)); }
  void reset() override { rows_.clear(); }
  std::vector<std::vector<double>> statistics() const override { return rows_; }

 protected:
  virtual std::vector<double> row_of(const CaptionedPair& pair) = 0;

 private:
  std::vector<std::vector<double>> rows_;
};

/// Returns the mean of the first column; the second counts pairs. NaN without pairs.
inline double mean_of(std::span<const double> sums) {
  return sums[0] / sums[1];
}

}  // namespace ccexpert::eval

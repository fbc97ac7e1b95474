// What metrics have in common whose pairs do not depend on one another.
#pragma once

#include <vector>

#include <ccexpert/eval/metric.h>

namespace ccexpert::eval {

/// Keeps one row for each sample.
class RowMetric : public Metric {
 public:
  void add(const Sample& sample) override { rows_.push_back(row_of(sample)); }
  void reset() override { rows_.clear(); }
  std::vector<std::vector<double>> statistics() const override { return rows_; }

 protected:
  virtual std::vector<double> row_of(const Sample& sample) = 0;

 private:
  std::vector<std::vector<double>> rows_;
};

/// The mean of the first column; the second counts pairs. NaN where there is none.
inline double mean_of(std::span<const double> sums) {
  return sums[0] / sums[1];
}

}  // namespace ccexpert::eval

#include <limits>

#include <ccexpert/eval/metric.h>

namespace ccexpert::eval {

std::vector<double> Metric::value() const {
  const auto rows = statistics();
  if (rows.empty()) return std::vector<double>(names().size(), std::numeric_limits<double>::quiet_NaN());
  std::vector<double> sums(rows.front().size(), 0.0);
  for (const auto& row : rows) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += row[i];
  }
  return from_sums(sums);
}

}  // namespace ccexpert::eval

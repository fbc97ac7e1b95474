/// Mean and interval of a score over runs with different seeds.
#pragma once

#include <vector>

#include <ccexpert/eval/scorer.h>

namespace ccexpert::eval {

/// A value with half the width of its confidence interval; NaN if it is unknown.
struct Spread {
  double value;
  double margin;
};

/// Returns the mean of `values` with Student's interval; no value gives NaN, one value no margin.
Spread mean_of_seeds(const std::vector<double>& values, double confidence);

/// Returns mean(other) - mean(first) with Welch's interval for unequal variances; the margin is NaN if one of
/// them has less than two values.
Spread difference_of_seeds(const std::vector<double>& first, const std::vector<double>& other,
                           double confidence);

/// Returns the point below which a variable with Student's distribution stays with probability `p`, in (0,1).
/// `freedom` is its number of degrees of freedom, of at least 1 and not necessarily whole.
double student_quantile(double p, double freedom);

}  // namespace ccexpert::eval

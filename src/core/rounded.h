// Decimals of numbers in files.
#pragma once

#include <cmath>

namespace ccexpert {

/// Returns the nearest multiple of 1 / `steps`, as the nearest number to its decimals: a file has as many of
/// them as `steps` has zeros.
inline double rounded(double value, double steps) {
  return std::round(value * steps) / steps;
}

}  // namespace ccexpert

#include "geo/value_sample.h"

#include <algorithm>
#include <cmath>

namespace ccexpert::geo {

void ValueSample::add(float value) {
  if (seen_++ % every_ != 0) return;
  values_.push_back(value);
  if (values_.size() < most_) return;
  // The next value that is kept is the one after `every_` times the values that stay.
  for (size_t i = 0; 2 * i < values_.size(); ++i) values_[i] = values_[2 * i];
  values_.resize((values_.size() + 1) / 2);
  every_ *= 2;
}

double ValueSample::percentile(double percent) {
  const auto place =
      static_cast<std::ptrdiff_t>(std::llround(percent / 100.0 * static_cast<double>(values_.size() - 1)));
  std::nth_element(values_.begin(), values_.begin() + place, values_.end());
  return static_cast<double>(values_[static_cast<size_t>(place)]);
}

}  // namespace ccexpert::geo

// Sample of many values in bounded memory.
#pragma once

#include <cstddef>
#include <vector>

namespace ccexpert::geo {

/// All values up to a number of them, and then every second, every fourth and so on of those added.
class ValueSample {
 public:
  /// Keeps at most `most` values, which is at least 2.
  explicit ValueSample(size_t most = kMost) : most_(most) {}

  void add(float value);

  bool is_empty() const { return values_.empty(); }
  size_t size() const { return values_.size(); }
  /// Returns the value of which so many percent are not greater, by the nearest rank of those kept. Changes
  /// their order: add nothing after it.
  double percentile(double percent);

  /// 16 MB; a scan of 16,000 x 16,000 valid pixels loses nothing.
  static constexpr size_t kMost = size_t{1} << 22;

 private:
  size_t most_;
  size_t every_ = 1;  ///< values of which one is kept
  size_t seen_ = 0;
  std::vector<float> values_;
};

}  // namespace ccexpert::geo

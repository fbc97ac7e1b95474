// Random numbers that are the same on every machine, unlike the standard library's distributions.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace ccexpert::synth {

/// The splitmix64 sequence (Steele, Lea, Flood 2014) of a seed and a key.
class Random {
 public:
  Random(uint64_t seed, uint64_t key) {
    for (const uint64_t part : {seed, key}) state_ = mix(state_ + part + kStep);
  }

  uint64_t next() { return mix(state_ += kStep); }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  int below(int bound) { return static_cast<int>(next() % static_cast<uint64_t>(bound)); }
  int between(int low, int high) { return low + below(high - low + 1); }
  bool chance(double probability) { return uniform() < probability; }

  /// Returns a nearly normal value, mean 0 and deviation 1, at most 3 (a sum of twelve would reach 6).
  double bell() { return 2.0 * (uniform() + uniform() + uniform() - 1.5); }

  template <class Items>
  const auto& pick(const Items& items) {
    return items[static_cast<size_t>(below(static_cast<int>(items.size())))];
  }

  /// Returns an index with a probability in proportion to its weight.
  int weighted(std::initializer_list<double> weights) {
    double total = 0;
    for (const double weight : weights) total += weight;
    double left = uniform() * total;
    int index = 0;
    for (const double weight : weights) {
      left -= weight;
      if (left < 0) return index;
      ++index;
    }
    return index - 1;
  }

 private:
  static constexpr uint64_t kStep = 0x9E3779B97F4A7C15ULL;

  static constexpr uint64_t mix(uint64_t state) {
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9ULL;
    state = (state ^ (state >> 27)) * 0x94D049BB133111EBULL;
    return state ^ (state >> 31);
  }

  uint64_t state_ = 0;
};

}  // namespace ccexpert::synth

// Counter-based random numbers: each is computed directly from its index and is the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

namespace ccexpert {

/// Output function of splitmix64 (Steele, Lea, Flood 2014).
constexpr uint64_t splitmix64(uint64_t state) {
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9ULL;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EBULL;
  return state ^ (state >> 31);
}

/// Purpose of a stream of random numbers; different purposes draw different numbers.
enum class RandomUse : uint64_t {
  kDataList = 1,
  kOrder = 2,
  kCaption = 3,
  kWording = 4,
  kSplit = 5,
  kSample = 6,
  kKeptCaption = 7,
  kRisk = 8,
  kPolicy = 9
};

/// splitmix64 sequence of one use, seed and key.
class CounterRandom {
 public:
  constexpr CounterRandom(RandomUse use, uint64_t seed, uint64_t key) {
    for (const uint64_t part : {static_cast<uint64_t>(use), seed, key})
      state_ = splitmix64(state_ + part + kStep);
  }

  constexpr uint64_t at(uint64_t counter) const { return splitmix64(state_ + (counter + 1) * kStep); }

  /// Returns a number in [0, bound). The modulo bias towards small numbers is less than bound / 2^64.
  constexpr int64_t below(int64_t bound, uint64_t counter) const {
    return static_cast<int64_t>(at(counter) % static_cast<uint64_t>(bound));
  }

 private:
  static constexpr uint64_t kStep = 0x9E3779B97F4A7C15ULL;
  uint64_t state_ = 0;
};

/// Shuffles `items` into an order that depends on `random` alone (Fisher-Yates).
template <class Items>
void shuffle(Items& items, const CounterRandom& random) {
  for (size_t i = items.size(); i > 1; --i) {
    const auto other = static_cast<size_t>(random.below(static_cast<int64_t>(i), i));
    std::swap(items[i - 1], items[other]);
  }
}

}  // namespace ccexpert

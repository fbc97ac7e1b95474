// Guesses of the next tokens of a caption by the captions before it.
#pragma once

#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ccexpert::generate {

/// Counts of the tokens that follow n-grams of captions. Captions of one kind of image repeat each other: a
/// draft is the likely rest of a caption, which the model then only checks (prompt lookup, Saxena 2023, over
/// a set of captions). Thread-safe.
class NgramDrafter {
 public:
  /// Counts a whole caption, the end token included. Beyond a bounded number of n-grams, new ones are left
  /// out.
  void learn(std::span<const int64_t> caption);

  /// Returns at most `most` tokens that are likely to follow the start of a caption; fewer if no n-gram of it
  /// is known, or if none of its followers is likely.
  std::vector<int64_t> draft(std::span<const int64_t> start, int64_t most) const;

 private:
  using Count = std::pair<int64_t, int64_t>;  // token, times

  std::optional<int64_t> likely(std::span<const int64_t> start) const;

  mutable std::shared_mutex mutex_;
  std::unordered_map<uint64_t, std::vector<Count>> followers_;  // by the n-gram's hash
};

}  // namespace ccexpert::generate

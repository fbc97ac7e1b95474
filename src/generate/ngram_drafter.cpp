#include "generate/ngram_drafter.h"

#include <algorithm>
#include <array>
#include <mutex>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ccexpert::generate {
namespace {

/// About 100 MB; LEVIR-CC's 50,000 captions have a tenth of them.
constexpr size_t kMostNgrams = 1'000'000;
/// A token is drafted if it followed in at least this share of cases: a wrong draft costs a little time.
constexpr double kLeastShare = 0.4;
/// Tokens of an n-gram, in the order of trust; 0: the whole start of the caption.
constexpr std::array<size_t, 4> kLengths{0, 4, 2, 1};

/// Returns the hash of the n-gram that ends a start, or nothing if the start is shorter.
std::optional<uint64_t> ngram_of(std::span<const int64_t> start, size_t length) {
  if (start.size() < length) return {};
  const auto tokens = length == 0 ? start : start.last(length);
  return XXH3_64bits_withSeed(tokens.data(), tokens.size_bytes(), length);
}

}  // namespace

void NgramDrafter::learn(std::span<const int64_t> caption) {
  const std::unique_lock lock(mutex_);
  for (size_t i = 0; i < caption.size(); ++i) {
    for (const size_t length : kLengths) {
      const auto ngram = ngram_of(caption.first(i), length);
      if (!ngram || (followers_.size() >= kMostNgrams && !followers_.contains(*ngram))) continue;
      auto& counts = followers_[*ngram];
      const auto same = std::ranges::find(counts, caption[i], &Count::first);
      if (same == counts.end()) {
        counts.emplace_back(caption[i], 1);
      } else {
        ++same->second;
      }
    }
  }
}

std::vector<int64_t> NgramDrafter::draft(std::span<const int64_t> start, int64_t most) const {
  const std::shared_lock lock(mutex_);
  std::vector<int64_t> caption(start.begin(), start.end()), draft;
  while (std::ssize(draft) < most) {
    const auto next = likely(caption);
    if (!next) break;
    draft.push_back(*next);
    caption.push_back(*next);
  }
  return draft;
}

std::optional<int64_t> NgramDrafter::likely(std::span<const int64_t> start) const {
  for (const size_t length : kLengths) {
    const auto ngram = ngram_of(start, length);
    const auto found = ngram ? followers_.find(*ngram) : followers_.end();
    if (found == followers_.end()) continue;
    int64_t all = 0;
    for (const auto& [token, times] : found->second) all += times;
    const auto best = std::ranges::max_element(found->second, {}, &Count::second);
    if (static_cast<double>(best->second) < kLeastShare * static_cast<double>(all)) return {};
    return best->first;
  }
  return {};
}

}  // namespace ccexpert::generate

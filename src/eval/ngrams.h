// Counts of n-grams, n from 1 to 4.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "eval/words.h"

namespace ccexpert::eval {

constexpr size_t kMaxOrder = 4;

struct NgramCount {
  uint32_t id;
  uint32_t count;
};

/// N-grams of one text; those of an order are sorted by id.
struct NgramCounts {
  size_t words = 0;
  std::array<std::vector<NgramCount>, kMaxOrder> orders;
};

/// Assigns ids to n-grams; an id identifies one n-gram of one order.
class NgramIds {
 public:
  NgramIds() = default;
  /// Continues the ids of `base`, which must outlive this and keep its n-grams.
  explicit NgramIds(const NgramIds* base) : base_(base), words_(&base->words_) {}

  NgramCounts count(std::string_view text);
  size_t size() const { return extended_.size() + (base_ == nullptr ? 0 : base_->size()); }

 private:
  const uint32_t* find(uint64_t key) const;
  uint32_t extend(uint32_t prefix, uint32_t word);

  const NgramIds* base_ = nullptr;
  WordIds words_;
  /// Maps (id of an n-gram without its last word, the last word) to the n-gram's id.
  std::unordered_map<uint64_t, uint32_t> extended_;
};

/// Calls `visit(count, other count)` for every n-gram in both lists.
template <class Visit>
void for_common(const std::vector<NgramCount>& one, const std::vector<NgramCount>& other, Visit&& visit) {
  auto a = one.begin();
  auto b = other.begin();
  while (a != one.end() && b != other.end()) {
    if (a->id < b->id) {
      ++a;
    } else if (b->id < a->id) {
      ++b;
    } else {
      visit(*a++, *b++);
    }
  }
}

}  // namespace ccexpert::eval

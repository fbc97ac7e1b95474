#include "eval/ngrams.h"

#include <algorithm>
#include <limits>

namespace ccexpert::eval {
namespace {

constexpr uint32_t kNoPrefix = std::numeric_limits<uint32_t>::max();

std::vector<NgramCount> counted(std::vector<uint32_t> ids) {
  std::sort(ids.begin(), ids.end());
  std::vector<NgramCount> counts;
  for (const uint32_t id : ids) {
    if (counts.empty() || counts.back().id != id) counts.push_back({id, 0});
    ++counts.back().count;
  }
  return counts;
}

}  // namespace

const uint32_t* NgramIds::find(uint64_t key) const {
  if (base_ != nullptr) {
    if (const auto* known = base_->find(key)) return known;
  }
  const auto own = extended_.find(key);
  return own == extended_.end() ? nullptr : &own->second;
}

uint32_t NgramIds::extend(uint32_t prefix, uint32_t word) {
  const uint64_t key = (uint64_t{prefix} << 32) | word;
  if (const auto* known = find(key)) return *known;
  return extended_.emplace(key, static_cast<uint32_t>(size())).first->second;
}

NgramCounts NgramIds::count(std::string_view text) {
  const auto words = words_.ids(split_words(text));
  NgramCounts counts{.words = words.size(), .orders = {}};
  std::vector<uint32_t> ids(words.size(), kNoPrefix);  // of the n-grams that start at each word
  for (size_t order = 1; order <= kMaxOrder && order <= words.size(); ++order) {
    ids.resize(words.size() - order + 1);
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = extend(ids[i], words[i + order - 1]);
    counts.orders[order - 1] = counted(ids);
  }
  return counts;
}

}  // namespace ccexpert::eval

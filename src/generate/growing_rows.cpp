#include "generate/growing_rows.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "runtime/staging.h"

namespace ccexpert::generate {
namespace {

/// Tokens by which capacities differ at least.
constexpr int64_t kCapacityStep = 64;
/// Most tokens that a row reserves when it joins: few captions are as long as their limit.
constexpr int64_t kReserved = 256;

/// Returns a capacity for `tokens` in each row.
int64_t capacity_for(int64_t tokens) {
  return (tokens + kCapacityStep - 1) / kCapacityStep * kCapacityStep;
}

}  // namespace

GrowingRows::GrowingRows(const model::Decoder& decoder)
    : decoder_(decoder), cache_(decoder.config().num_hidden_layers, 0) {}

void GrowingRows::join(const DecoderSequences& prompts, int64_t row, int64_t more) {
  const auto& source = prompts.cache();
  const auto added = prompts.logits().narrow(0, row, 1);
  auto logits = size() == 0 ? added.clone() : at::cat({logits_, added});
  const int64_t length = source.lengths().at(static_cast<size_t>(row));
  cache_.join(source, row, capacity_for(length + std::min(more, kReserved)));
  logits_ = std::move(logits);
}

void GrowingRows::leave(int64_t row) {
  const int64_t last = size() - 1;
  if (last == 0) return clear();
  auto logits = logits_.narrow(0, 0, last);
  if (row != last) {
    logits = logits.clone();
    logits[row].copy_(logits_[last]);
  }
  cache_.leave(row);
  logits_ = std::move(logits);
}

void GrowingRows::clear() {
  cache_ = model::KvCache(cache_.layers(), 0);
  logits_.reset();
}

void GrowingRows::grow(const std::vector<int64_t>& ids) {
  const int64_t longest = *std::ranges::max_element(cache_.lengths());
  // An eighth more: a long caption rarely moves the cache.
  if (longest >= cache_.capacity()) cache_.reserve(capacity_for(longest + 1 + longest / 8));
  const auto token = runtime::staged(at::tensor(ids, at::kLong), logits_.device()).unsqueeze(1);  // [R,1]
  const auto hidden = decoder_.forward(decoder_.embed(token), &cache_);                           // [R,1,H]
  logits_ = decoder_.logits(hidden.select(1, 0));
}

model::KvCache GrowingRows::row(int64_t row) const {
  auto copy = cache_;
  copy.select_rows({row});
  return copy;
}

}  // namespace ccexpert::generate

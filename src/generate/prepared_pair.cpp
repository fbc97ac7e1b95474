#include "generate/prepared_pair.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace ccexpert::generate {
namespace {

int64_t bytes_of(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<int64_t>(tensor.nbytes()) : 0;
}

int64_t bytes_of(const model::KvCache& cache) {
  int64_t bytes = 0;
  for (int64_t layer = 0; layer < cache.layers(); ++layer) {
    const auto held = cache.held(layer);
    bytes += bytes_of(held.keys) + bytes_of(held.values);
  }
  return bytes;
}

}  // namespace

int64_t PreparedPair::bytes() const {
  int64_t bytes = bytes_of(pixels) + bytes_of(kept.images.tokens) + bytes_of(kept.images.patches);
  if (images)
    for (const auto* tensor :
         {&images->images.tokens, &images->images.change, &images->images.scale_weights, &images->features})
      bytes += bytes_of(*tensor);
  return kept.cache ? bytes + bytes_of(*kept.cache) : bytes;
}

void PreparedPair::forget() {
  images.reset();
  kept = {};
}

PairMemory::PairMemory(int64_t budget) : budget_(budget) {}

PairHandle PairMemory::pair_of(at::Tensor pixels) {
  const auto key = hash_(pixels.const_data_ptr(), pixels.nbytes());
  const std::scoped_lock lock(mutex_);
  auto& known = known_[key];
  if (auto pair = known.lock()) return pair;
  auto pair = std::make_shared<PreparedPair>(key, std::move(pixels));
  known = pair;
  std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
  return pair;
}

void PairMemory::used(const PairHandle& pair) {
  const std::scoped_lock lock(mutex_);
  const auto use = std::ranges::find(uses_, pair, &Use::pair);
  if (use != uses_.end()) {
    bytes_ -= use->bytes;
    uses_.erase(use);
  }
  uses_.push_front({pair, pair->bytes()});
  bytes_ += uses_.front().bytes;
  while (bytes_ > budget_) drop_oldest();
}

void PairMemory::drop_oldest() {
  uses_.back().pair->forget();
  bytes_ -= uses_.back().bytes;
  uses_.pop_back();
}

int64_t PairMemory::bytes() const {
  const std::scoped_lock lock(mutex_);
  return bytes_;
}

}  // namespace ccexpert::generate

#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/kv_cache.h>

#include "runtime/staging.h"

namespace ccexpert::model {

KvCache::KvCache(int64_t layers, int64_t capacity)
    : capacity_(capacity), layers_(static_cast<size_t>(layers)) {}

void KvCache::allocate(Layer& layer, const at::Tensor& like) const {
  const auto shape = {like.size(0), like.size(1), capacity_, like.size(3)};
  // Zeros: the tail of a shorter row is masked, but a mask does not stop NaN in uninitialised memory (0 *
  // NaN).
  layer.keys = at::zeros(shape, like.options());
  layer.values = at::zeros(shape, like.options());
}

bool KvCache::rows_are_equal() const {
  return std::adjacent_find(lengths_.begin(), lengths_.end(), std::not_equal_to<>()) == lengths_.end();
}

int64_t KvCache::longest() const {
  return lengths_.empty() ? 0 : *std::max_element(lengths_.begin(), lengths_.end());
}

KvView KvCache::held(int64_t index) const {
  const auto& layer = layers_.at(static_cast<size_t>(index));
  return {layer.keys.narrow(2, 0, longest()), layer.values.narrow(2, 0, longest())};
}

KvView KvCache::append(int64_t index, const at::Tensor& keys, const at::Tensor& values) {
  auto& layer = layers_.at(static_cast<size_t>(index));
  if (!layer.keys.defined()) allocate(layer, keys);
  if (lengths_.empty()) lengths_.assign(static_cast<size_t>(keys.size(0)), 0);
  const int64_t added = keys.size(2);
  const int64_t longest = this->longest();
  if (longest + added > capacity_) {
    fail_expected({"KV cache", fmt::format("at most {} tokens", capacity_), std::to_string(longest + added)});
  }
  if (rows_are_equal()) {
    layer.keys.narrow(2, longest, added).copy_(keys);
    layer.values.narrow(2, longest, added).copy_(values);
  } else {
    for (int64_t row = 0; row < keys.size(0); ++row) {
      const int64_t start = lengths_[static_cast<size_t>(row)];
      layer.keys[row].narrow(1, start, added).copy_(keys[row]);
      layer.values[row].narrow(1, start, added).copy_(values[row]);
    }
  }
  return {layer.keys.narrow(2, 0, longest + added), layer.values.narrow(2, 0, longest + added)};
}

void KvCache::start(const at::Tensor& keys, const at::Tensor& values, const std::vector<int64_t>& lengths) {
  const auto rows = std::ssize(lengths);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    append(index, keys[index].expand({rows, -1, -1, -1}), values[index].expand({rows, -1, -1, -1}));
  }
  advance(lengths);
}

void KvCache::advance(const std::vector<int64_t>& added) {
  for (size_t row = 0; row < lengths_.size(); ++row) lengths_[row] += added.at(row);
  if (!places_.defined()) return;
  skipped_.clear();
  for (size_t row = 0; row < lengths_.size(); ++row) {
    const auto last = places_[static_cast<int64_t>(row)][added[row] - 1].item<int64_t>();
    skipped_.push_back(last + 1 - lengths_[row]);
  }
  places_.reset();
}

int64_t KvCache::observe(const std::shared_ptr<DecoderObserver>& observer) {
  if (!observed_.is_at(observer)) observed_ = ObservedCache(observer, observer->made(capacity_));
  return observed_.number();
}

void KvCache::truncate(const std::vector<int64_t>& lengths) {
  for (size_t row = 0; row < lengths_.size(); ++row) {
    if (lengths.at(row) < 0 || lengths[row] > lengths_[row]) {
      fail_expected({"KV cache", fmt::format("to keep at most {} tokens of row {}", lengths_[row], row),
                     std::to_string(lengths[row])});
    }
  }
  observed_.truncate(lengths);
  lengths_ = lengths;
}

void KvCache::reserve(int64_t capacity) {
  if (capacity <= capacity_) return;
  observed_.reserve(capacity);
  const int64_t used = longest();
  const auto enlarge = [&](at::Tensor& all) {
    auto larger = at::zeros({all.size(0), all.size(1), capacity, all.size(3)}, all.options());
    larger.narrow(2, 0, used).copy_(all.narrow(2, 0, used));
    all = std::move(larger);
  };
  for (auto& layer : layers_) {
    if (!layer.keys.defined()) continue;
    enlarge(layer.keys);
    enlarge(layer.values);
  }
  capacity_ = capacity;
}

void KvCache::select_rows(const std::vector<int64_t>& rows) {
  observed_.select(rows);
  const auto taken = [&](const std::vector<int64_t>& numbers) {
    std::vector<int64_t> chosen;
    for (const int64_t row : rows) chosen.push_back(numbers.at(static_cast<size_t>(row)));
    return chosen;
  };
  const int64_t used = longest();
  const auto index = runtime::staged(at::tensor(rows, at::kLong), layers_.front().keys.device());
  for (auto& layer : layers_) {
    const auto take = [&](at::Tensor& all) {
      auto chosen =
          at::zeros({static_cast<int64_t>(rows.size()), all.size(1), capacity_, all.size(3)}, all.options());
      chosen.narrow(2, 0, used).copy_(all.narrow(2, 0, used).index_select(0, index));
      all = std::move(chosen);
    };
    take(layer.keys);
    take(layer.values);
  }
  lengths_ = taken(lengths_);
  if (!skipped_.empty()) skipped_ = taken(skipped_);
}

}  // namespace ccexpert::model

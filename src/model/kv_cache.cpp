#include <algorithm>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/kv_cache.h>

#include "model/token_places.h"
#include "runtime/staging.h"

namespace ccexpert::model {
namespace {

/// Returns `room` [rows,K,capacity,d], or a larger one with the first rows of it.
at::Tensor enlarged(const at::Tensor& room, int64_t rows, int64_t capacity) {
  if (room.size(0) >= rows && room.size(2) >= capacity) return room;
  auto larger =
      at::zeros({std::max(rows, room.size(0)), room.size(1), std::max(capacity, room.size(2)), room.size(3)},
                room.options());
  larger.narrow(0, 0, room.size(0)).narrow(2, 0, room.size(2)).copy_(room);
  return larger;
}

/// Writes tokens [K,t,d] to a row [K,capacity,d] and zeros after them: what is masked must be numbers.
void write_row(const at::Tensor& row, const at::Tensor& tokens) {
  const int64_t used = tokens.size(1);
  row.narrow(1, 0, used).copy_(tokens);
  row.narrow(1, used, row.size(1) - used).zero_();
}

}  // namespace

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
  } else if (added == 1) {
    index_rows(keys.device());
    write_tokens(layer.keys, row_numbers_, positions_, keys);
    write_tokens(layer.values, row_numbers_, positions_, values);
  } else {
    for (int64_t row = 0; row < keys.size(0); ++row) {
      const int64_t start = lengths_[static_cast<size_t>(row)];
      layer.keys[row].narrow(1, start, added).copy_(keys[row]);
      layer.values[row].narrow(1, start, added).copy_(values[row]);
    }
  }
  return {layer.keys.narrow(2, 0, longest + added), layer.values.narrow(2, 0, longest + added)};
}

/// Makes the index of the next token of each row, once for all layers.
void KvCache::index_rows(at::Device device) {
  if (indexed_ == lengths_) return;
  positions_ = runtime::staged(at::tensor(lengths_, at::kLong), device);
  row_numbers_ = at::arange(std::ssize(lengths_), positions_.options());
  indexed_ = lengths_;
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
    layer.key_room.reset();
    layer.value_room.reset();
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
    layer.key_room.reset();
    layer.value_room.reset();
  }
  lengths_ = taken(lengths_);
  if (!skipped_.empty()) skipped_ = taken(skipped_);
}

void KvCache::make_room(int64_t rows, int64_t capacity, const KvCache& like) {
  const auto used = std::ssize(lengths_);
  for (size_t i = 0; i < layers_.size(); ++i) {
    auto& layer = layers_[i];
    const auto grow = [&](at::Tensor& all, at::Tensor& room, const at::Tensor& other) {
      if (!room.defined()) room = all.defined() ? all : other.new_zeros({0, other.size(1), 0, other.size(3)});
      // Twice the rows at a time: a batch that fills copies each row at most once.
      const bool full = room.size(0) < rows;
      room = enlarged(room, full ? std::max(rows, 2 * room.size(0)) : rows, capacity);
      all = room.narrow(0, 0, used);
    };
    const auto& other = like.layers_.at(i);
    grow(layer.keys, layer.key_room, other.keys);
    grow(layer.values, layer.value_room, other.values);
  }
  capacity_ = capacity;
}

void KvCache::join(const KvCache& source, int64_t row, int64_t capacity) {
  const auto rows = std::ssize(lengths_);
  const int64_t used = source.lengths_.at(static_cast<size_t>(row));
  // All memory first: an error leaves the rows as they are.
  make_room(rows + 1, std::max({capacity, capacity_, used}), source);
  for (size_t i = 0; i < layers_.size(); ++i) {
    auto& layer = layers_[i];
    const auto& from = source.layers_[i];
    const auto add = [&](at::Tensor& all, const at::Tensor& room, const at::Tensor& tokens) {
      all = room.narrow(0, 0, rows + 1);
      write_row(all[rows], tokens[row].narrow(1, 0, used));
    };
    add(layer.keys, layer.key_room, from.keys);
    add(layer.values, layer.value_room, from.values);
  }
  const int64_t skips = source.skipped_.empty() ? 0 : source.skipped_.at(static_cast<size_t>(row));
  if (skipped_.empty() && skips > 0) skipped_.assign(lengths_.size(), 0);
  if (!skipped_.empty() || skips > 0) skipped_.push_back(skips);
  lengths_.push_back(used);
}

void KvCache::leave(int64_t row) {
  const auto place = static_cast<size_t>(row);
  const auto last = std::ssize(lengths_) - 1;
  const int64_t used = lengths_.back();
  for (auto& layer : layers_) {
    const auto remove = [&](at::Tensor& all, at::Tensor& room) {
      if (!room.defined()) room = all;
      if (row != last) write_row(all[row], all[last].narrow(1, 0, used));
      all = room.narrow(0, 0, last);
    };
    remove(layer.keys, layer.key_room);
    remove(layer.values, layer.value_room);
  }
  lengths_.at(place) = used;
  lengths_.pop_back();
  if (skipped_.empty()) return;
  skipped_.at(place) = skipped_.back();
  skipped_.pop_back();
}

}  // namespace ccexpert::model

#include "model/shared/fixed_cache.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "model/token_places.h"
#include "runtime/staging.h"

namespace ccexpert::model {

FixedCache::FixedCache(const KvCache& like, int64_t rows, int64_t capacity) {
  const auto keys = like.held(0).keys;
  // Zeros, as masked places are multiplied too.
  all_ = at::zeros({like.layers(), 2, rows, keys.size(1), capacity, keys.size(3)}, keys.options());
  const auto numbers = keys.options().dtype(at::kLong);
  rows_ = at::arange(rows, numbers);
  positions_ = at::zeros({rows}, numbers);
}

int64_t FixedCache::bytes(const KvCache& like, int64_t rows, int64_t capacity) {
  const auto keys = like.held(0).keys;
  return like.layers() * 2 * rows * keys.size(1) * capacity * keys.size(3) * keys.element_size();
}

void FixedCache::load(const KvCache& source) {
  const auto used = source.held(0).keys.sizes();
  if (used[0] > rows() || used[2] > capacity()) {
    fail_expected({"fixed KV cache", fmt::format("at most {} rows of {} tokens", rows(), capacity()),
                   fmt::format("{} of {}", used[0], used[2])});
  }
  all_.zero_();
  for (int64_t layer = 0; layer < source.layers(); ++layer) {
    const auto held = source.held(layer);
    const auto copy = [&](int64_t which, const at::Tensor& from) {
      all_[layer][which].narrow(0, 0, used[0]).narrow(2, 0, used[2]).copy_(from);
    };
    copy(0, held.keys);
    copy(1, held.values);
  }
}

void FixedCache::copy_rows(const std::vector<int64_t>& from, const std::vector<int64_t>& to) {
  if (from.empty()) return;
  const auto index = [&](const std::vector<int64_t>& which) {
    return runtime::staged(at::tensor(which, at::kLong), all_.device());
  };
  all_.index_copy_(2, index(to), all_.index_select(2, index(from)));
}

KvView FixedCache::append(int64_t layer, const at::Tensor& keys, const at::Tensor& values) {
  const auto places = all_[layer];
  write_tokens(places[0], rows_, positions_, keys);
  write_tokens(places[1], rows_, positions_, values);
  return {places[0], places[1]};
}

}  // namespace ccexpert::model

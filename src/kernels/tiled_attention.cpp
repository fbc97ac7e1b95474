#include "kernels/tiled_attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/native/CPUBlas.h>

#include "kernels/cpu_level.h"
#include "kernels/row_math.h"

namespace ccexpert::kernels {
namespace {

/// Queries and keys of a tile of scores.
constexpr int64_t kQueries = 64, kKeys = 512;
/// Key counts are rounded up to a multiple: kernels are compiled for each count.
constexpr int64_t kKeyStep = 64;

constexpr int64_t rounded_up(int64_t value, int64_t step) {
  return (value + step - 1) / step * step;
}

/// Rows of one head in bfloat16.
struct HeadRows {
  HeadRows(const at::Tensor& x, int64_t item, int64_t head)
      : data(static_cast<const uint16_t*>(x.const_data_ptr()) + item * x.stride(0) + head * x.stride(1)),
        stride(x.stride(2)),
        count(x.size(2)),
        width(x.size(3)) {}
  const uint16_t* row(int64_t i) const { return data + i * stride; }

  const uint16_t* data;
  int64_t stride, count, width;
};

at::BFloat16* half(uint16_t* bits) {
  return reinterpret_cast<at::BFloat16*>(bits);
}
const at::BFloat16* half(const uint16_t* bits) {
  return reinterpret_cast<const at::BFloat16*>(bits);
}

/// Keys and values of a head in the form of the kernel's second operand: pairs of inputs are neighbours.
/// Zeros follow the last key.
class PackedHead {
 public:
  PackedHead(int64_t keys, int64_t width)
      : width_(width),
        padded_(rounded_up(keys, kKeyStep)),
        keys_(std::make_unique<uint16_t[]>(static_cast<size_t>(padded_ * width))),
        values_(std::make_unique<uint16_t[]>(static_cast<size_t>(padded_ * width))) {}

  void pack(const HeadRows& keys, const HeadRows& values) {
    for (int64_t first = 0; first < padded_; first += kKeys) pack_keys(keys, first);
    for (int64_t i = 0; i < values.count; ++i) {
      uint16_t* to = values_.get() + i / 2 * 2 * width_ + i % 2;
      const uint16_t* from = values.row(i);
      for (int64_t j = 0; j < width_; ++j) to[2 * j] = from[j];
    }
  }

  /// Keys from `first` on, padded, at most kKeys.
  int64_t count(int64_t first) const { return std::min(kKeys, padded_ - first); }
  /// [d/2][count][2]
  const uint16_t* keys(int64_t first) const { return keys_.get() + first * width_; }
  /// [count/2][d][2]
  const uint16_t* values(int64_t first) const { return values_.get() + first * width_; }

 private:
  void pack_keys(const HeadRows& keys, int64_t first) {
    const int64_t in_block = count(first), real = std::min(in_block, keys.count - first);
    uint16_t* block = keys_.get() + first * width_;
    for (int64_t i = 0; i < real; ++i) {
      const uint16_t* from = keys.row(first + i);
      for (int64_t j = 0; j < width_; j += 2) std::memcpy(block + j * in_block + 2 * i, from + j, 4);
    }
  }

  int64_t width_, padded_;
  std::unique_ptr<uint16_t[]> keys_, values_;
};

/// Running softmax of a tile of queries, and its memory.
class QueryTile {
 public:
  explicit QueryTile(int64_t width)
      : width_(width),
        scale_(1.0F / std::sqrt(static_cast<float>(width))),
        scores_(std::make_unique_for_overwrite<float[]>(kQueries * kKeys)),
        shares_(std::make_unique_for_overwrite<uint16_t[]>(kQueries * kKeys)),
        sums_(std::make_unique_for_overwrite<float[]>(static_cast<size_t>(kQueries * width))),
        padded_(std::make_unique<uint16_t[]>(static_cast<size_t>(kQueries * width))) {}

  /// Attends with queries [first, first + count) of `q` to the first `keys` keys; causal: each up to its own
  /// position, that of the last query being the last key.
  void attend(const HeadRows& q, int64_t first, const PackedHead& head, int64_t keys, bool causal) {
    const int64_t position = keys - q.count + first;  // of the first query; causal
    count_ = std::min(kQueries, q.count - first);
    most_.fill(-std::numeric_limits<float>::infinity());
    total_.fill(0.0F);
    std::fill_n(sums_.get(), kQueries * width_, 0.0F);
    const auto [rows, stride] = whole_tile(q, first);
    const int64_t end = causal ? position + count_ : keys;
    for (int64_t key = 0; key < end; key += kKeys) {
      // Causal: whole steps up to the last visible key.
      const int64_t columns = std::min(head.count(key), rounded_up(end - key, kKeyStep));
      at::native::cpublas::brgemm(kQueries, columns, width_, stride, head.count(key), columns,
                                  /*add_C=*/false, half(rows), half(head.keys(key)), scores_.get());
      for (int64_t i = 0; i < count_; ++i) {
        weigh(i, std::min(columns, (causal ? position + i + 1 : end) - key), columns);
      }
      at::native::cpublas::brgemm(kQueries, width_, columns, columns, width_, width_, /*add_C=*/true,
                                  half(shares_.get()), half(head.values(key)), sums_.get());
    }
  }

  int64_t count() const { return count_; }
  /// Writes the result of query i of the tile.
  void write(int64_t i, uint16_t* to) {
    float* row = sums_.get() + i * width_;
    scale_row(row, 1.0F / total_[static_cast<size_t>(i)], width_);
    narrow(row, width_, to);
  }

 private:
  /// Returns kQueries rows and their stride: those of q, or a copy that ends with other rows.
  std::pair<const uint16_t*, int64_t> whole_tile(const HeadRows& q, int64_t first) {
    if (count_ == kQueries) return {q.row(first), q.stride};
    for (int64_t i = 0; i < count_; ++i) std::copy_n(q.row(first + i), width_, padded_.get() + i * width_);
    return {padded_.get(), width_};
  }

  /// Turns the scores of query i into weights: those of `visible` keys, if there are any, else 0.
  void weigh(int64_t i, int64_t visible, int64_t columns) {
    constexpr int64_t kLanes = 16;
    constexpr float kNever = -1e30F;
    float* scores = scores_.get() + i * columns;
    uint16_t* shares = shares_.get() + i * columns;
    if (visible <= 0) {
      std::fill_n(shares, columns, uint16_t{0});
      return;
    }
    const int64_t whole = rounded_up(visible, kLanes);
    std::fill(scores + visible, scores + whole, kNever / scale_);
    auto& most = most_[static_cast<size_t>(i)];
    auto& total = total_[static_cast<size_t>(i)];
    const float now = std::max(most, most_of(scores, whole) * scale_);
    const float change = most == now ? 1.0F : std::exp(most - now);
    if (change != 1.0F) scale_row(sums_.get() + i * width_, change, width_);
    most = now;
    total = total * change + exponentials(scores, whole, scale_, now);
    narrow(scores, whole, shares);
    std::fill(shares + visible, shares + columns, uint16_t{0});
  }

  int64_t width_, count_ = 0;
  float scale_;
  std::unique_ptr<float[]> scores_;
  std::unique_ptr<uint16_t[]> shares_;
  std::unique_ptr<float[]> sums_;
  std::unique_ptr<uint16_t[]> padded_;
  std::array<float, kQueries> most_{}, total_{};
};

}  // namespace

bool can_tile_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const auto fits = [](const at::Tensor& x) {
    return x.scalar_type() == at::kBFloat16 && x.stride(3) == 1 &&
           !(at::GradMode::is_enabled() && x.requires_grad());
  };
  return multiplies_bfloat16() && q.is_cpu() && q.size(3) % 2 == 0 && fits(q) && fits(k) && fits(v);
}

at::Tensor tiled_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal) {
  const int64_t heads = q.size(1), queries = q.size(2), width = q.size(3), keys = k.size(2);
  const int64_t per_key_head = heads / k.size(1);
  const auto out = at::empty({q.size(0), queries, heads, width}, q.options());
  auto* to = static_cast<uint16_t*>(out.mutable_data_ptr());
  at::parallel_for(0, q.size(0) * heads, 1, [&](int64_t begin, int64_t end) {
    PackedHead packed(keys, width);
    QueryTile tile(width);
    int64_t packed_head = -1;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t item = task / heads, head = task % heads, key_head = task / per_key_head;
      if (key_head != packed_head) {
        packed.pack({k, item, head / per_key_head}, {v, item, head / per_key_head});
        packed_head = key_head;
      }
      const HeadRows rows(q, item, head);
      for (int64_t first = 0; first < queries; first += kQueries) {
        tile.attend(rows, first, packed, keys, causal);
        for (int64_t i = 0; i < tile.count(); ++i) {
          tile.write(i, to + ((item * queries + first + i) * heads + head) * width);
        }
      }
    }
    at::native::cpublas::brgemm_release();
  });
  return out.transpose(1, 2);
}

}  // namespace ccexpert::kernels

/// Keys and values of the tokens a decoder has seen, so that each further token costs one token's work.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace ccexpert {

/// Rows may hold different numbers of tokens: row b holds `lengths()[b]`, and what stands behind them is
/// never read.
class KvCache {
 public:
  /// Room for `capacity` tokens in each row; memory is taken when the first layer stores.
  KvCache(int64_t layers, int64_t capacity);

  /// Tokens held by each row, in every layer; empty before the first `advance`.
  const std::vector<int64_t>& lengths() const { return lengths_; }
  int64_t capacity() const { return capacity_; }

  struct View {
    at::Tensor keys;    ///< [B,K,t,d] of all tokens up to the longest row's newest
    at::Tensor values;  ///< [B,K,t,d]
  };
  /// Writes `keys` and `values` [B,K,T,d] of one layer behind what each row holds, and returns all of that
  /// layer.
  View append(int64_t layer, const at::Tensor& keys, const at::Tensor& values);

  /// After all layers have appended T tokens: counts `added[b]` of them for row b (fewer than T: the rest was
  /// padding).
  void advance(const std::vector<int64_t>& added);

  /// Row i becomes what row `rows[i]` was, for beams; rows may repeat or vanish.
  void select_rows(const std::vector<int64_t>& rows);

 private:
  struct Layer {
    at::Tensor keys, values;  // [B,K,capacity,d]
  };
  void allocate(Layer& layer, const at::Tensor& like) const;
  bool rows_are_equal() const;

  int64_t capacity_;
  std::vector<int64_t> lengths_;
  std::vector<Layer> layers_;
};

}  // namespace ccexpert

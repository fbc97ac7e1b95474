/// Keys and values at fixed places, for decode steps that a GPU repeats as a graph.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/model/kv_cache.h>

namespace ccexpert::model {

/// Rows have room for `capacity` tokens, and a step reads all of it with a mask. Positions are a tensor on
/// the device: neither shapes nor addresses depend on the number of tokens.
class FixedCache : public KeyValues {
 public:
  /// Takes number of layers, heads, dtype and device of `like`, which holds tokens.
  FixedCache(const KvCache& like, int64_t rows, int64_t capacity);

  /// Returns the bytes of such a cache.
  static int64_t bytes(const KvCache& like, int64_t rows, int64_t capacity);

  int64_t rows() const { return all_.size(2); }
  int64_t capacity() const { return all_.size(4); }
  /// Returns the position of each row's next token, [R] int64, to be changed in place.
  const at::Tensor& positions() const { return positions_; }

  /// Replaces all content: the first rows become those of `source`, the others are zeros.
  void load(const KvCache& source);
  /// Copies row `from[i]` to row `to[i]`; no row is in both lists.
  void copy_rows(const std::vector<int64_t>& from, const std::vector<int64_t>& to);

  /// Writes `keys` and `values` [R,K,1,d] at the positions, and returns those of all places [R,K,capacity,d].
  KvView append(int64_t layer, const at::Tensor& keys, const at::Tensor& values) override;

 private:
  at::Tensor all_;        // [layers,2,R,K,capacity,d]
  at::Tensor rows_;       // [R] 0, 1, ...
  at::Tensor positions_;  // [R]
};

}  // namespace ccexpert::model

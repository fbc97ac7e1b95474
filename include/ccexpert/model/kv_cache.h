/// Cache of keys and values of previous tokens, so that each further token costs one token's work.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/model/decoder_observer.h>

namespace ccexpert::model {

/// Keys and values of one layer.
struct KvView {
  at::Tensor keys;    ///< [B,K,t,d] of all tokens up to the longest row's newest
  at::Tensor values;  ///< [B,K,t,d]
};

/// Place of keys and values, which a decoder's layers fill and read.
class KeyValues {
 public:
  virtual ~KeyValues() = default;
  /// Writes `keys` and `values` [B,K,T,d] of one layer after the tokens of each row, and returns all keys and
  /// values of that layer.
  virtual KvView append(int64_t layer, const at::Tensor& keys, const at::Tensor& values) = 0;

 protected:
  KeyValues() = default;
  KeyValues(const KeyValues&) = default;
  KeyValues(KeyValues&&) = default;
  KeyValues& operator=(const KeyValues&) = default;
  KeyValues& operator=(KeyValues&&) = default;
};

/// Rows may have different numbers of tokens: row b has `lengths()[b]`, and later positions are never read.
/// Copies share their memory until one of them selects rows: a copy may only be used while the other one does
/// not append before the copy's last token.
class KvCache : public KeyValues {
 public:
  /// Reserves `capacity` tokens in each row; memory is allocated when the first layer stores.
  KvCache(int64_t layers, int64_t capacity);

  /// Returns the tokens in each row, in every layer; empty before the first `advance`.
  const std::vector<int64_t>& lengths() const { return lengths_; }
  int64_t capacity() const { return capacity_; }  ///< tokens for which there is room

  KvView append(int64_t layer, const at::Tensor& keys, const at::Tensor& values) override;
  /// Returns what one layer holds.
  KvView held(int64_t layer) const;
  int64_t layers() const { return std::ssize(layers_); }  ///< number of blocks

  /// Puts the first `lengths[b]` of T tokens, whose keys and values are [L,K,T,d], into row b of an empty
  /// cache.
  void start(const at::Tensor& keys, const at::Tensor& values, const std::vector<int64_t>& lengths);

  /// Gives the tokens of the next pass these positions [B,T], ascending in each row, instead of those after
  /// the tokens held. Later tokens then follow the last real one of these.
  void place(at::Tensor positions) { places_ = std::move(positions); }
  /// Returns the positions that `place` gave the next pass; undefined: none.
  const at::Tensor& places() const { return places_; }
  /// Returns how many positions before the next token of each row have no token; empty: none in any.
  const std::vector<int64_t>& skipped() const { return skipped_; }

  /// Must be called after all layers have appended T tokens: counts `added[b]` of them for row b (fewer than
  /// T: the rest was padding).
  void advance(const std::vector<int64_t>& added);

  /// Forgets the tokens of row b after its first `lengths[b]`.
  void truncate(const std::vector<int64_t>& lengths);

  /// Makes the capacity at least `capacity` tokens in each row. Copies of this cache then have other memory.
  void reserve(int64_t capacity);

  /// Replaces row i by the previous row `rows[i]`, for beam search; rows may repeat or vanish.
  void select_rows(const std::vector<int64_t>& rows);

  /// Adds row `row` of `source`, a cache of as many layers, as the last row of this cache, with room for at
  /// least `capacity` tokens in each row. Copies of this cache may not be used after it.
  void join(const KvCache& source, int64_t row, int64_t capacity);
  /// Removes row `row`; the last row takes its place. Its memory stays for a row that joins. Copies of this
  /// cache may not be used after it.
  void leave(int64_t row);

  /// Makes the observer see this cache, before its first pass; returns its number there.
  int64_t observe(const std::shared_ptr<DecoderObserver>& observer);

 private:
  struct Layer {
    at::Tensor keys, values;          // [B,K,capacity,d]
    at::Tensor key_room, value_room;  // the same with rows that are free; undefined: there are none
  };
  void allocate(Layer& layer, const at::Tensor& like) const;
  void make_room(int64_t rows, int64_t capacity, const KvCache& like);
  bool rows_are_equal() const;
  void index_rows(at::Device device);
  int64_t longest() const;

  int64_t capacity_;
  std::vector<int64_t> lengths_, skipped_;
  at::Tensor places_;  // on the CPU
  std::vector<Layer> layers_;
  ObservedCache observed_;
  std::vector<int64_t> indexed_;        // lengths that `positions_` are
  at::Tensor row_numbers_, positions_;  // [B] on the device, for one token of rows of unlike lengths
};

}  // namespace ccexpert::model

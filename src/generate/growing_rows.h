// Batch whose sequences join and leave between two tokens.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "generate/sequence_model.h"

namespace ccexpert::generate {

/// Sequences of a decoder that grow together by one token at a time. A sequence is prefilled elsewhere: its
/// keys and values are copied to a free row when it joins. Rows do not depend on one another.
class GrowingRows {
 public:
  /// `decoder` must outlive this object.
  explicit GrowingRows(const model::Decoder& decoder);

  int64_t size() const { return std::ssize(cache_.lengths()); }
  /// Adds sequence `row` of `prompts` as the last row; it is expected to grow by `more` tokens. After an
  /// error the rows are as before.
  void join(const DecoderSequences& prompts, int64_t row, int64_t more);
  /// Removes a row; the last row takes its place.
  void leave(int64_t row);
  void clear();

  /// Returns the logits [R,V] of the next token of each row.
  const at::Tensor& logits() const { return logits_; }
  /// Adds `ids[r]` to row r.
  void grow(const std::vector<int64_t>& ids);
  /// Returns a copy of one row's keys and values.
  model::KvCache row(int64_t row) const;

 private:
  const model::Decoder& decoder_;
  model::KvCache cache_;
  at::Tensor logits_;  // undefined without rows
};

}  // namespace ccexpert::generate

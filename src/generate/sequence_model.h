// Language model interface for the searches, independent of its computation.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/model/ccexpert_model.h>

namespace ccexpert::generate {

/// Set of sequences that grow by one token at a time.
class SequenceModel {
 public:
  virtual ~SequenceModel() = default;

  /// Returns the logits [R,V] of the next token of each of R sequences.
  virtual at::Tensor logits() const = 0;

  /// Replaces sequence i by the previous sequence `rows[i]`, extended by token `ids[i]`; `logits` then refer
  /// to the new sequences.
  virtual void grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) = 0;
};

/// Decoder with a KV cache.
class DecoderSequences : public SequenceModel {
 public:
  /// Prefills the prompts; each may then grow by `capacity` tokens.
  DecoderSequences(const model::Decoder& decoder, const model::PaddedSequences& prompts, int64_t capacity);

  /// Prefills the prompts after the tokens in `cache`, whose capacity must hold all that follows.
  DecoderSequences(const model::Decoder& decoder, model::KvCache cache,
                   const model::PaddedSequences& prompts);

  /// Returns keys and values of all tokens so far.
  const model::KvCache& cache() const { return cache_; }

  at::Tensor logits() const override { return logits_; }
  void grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) override;

  /// Replaces sequence i by the previous sequence `rows[i]`; `logits` are then those of no sequence.
  void select_rows(const std::vector<int64_t>& rows);
  /// Forgets the tokens of sequence i after its first `lengths[i]`, the prompt included.
  void truncate(const std::vector<int64_t>& lengths) { cache_.truncate(lengths); }
  /// Adds `tokens[i]`, at least one, to sequence i; returns the logits [R,T,V] after each of them, T the most
  /// tokens of a sequence.
  at::Tensor extend(const std::vector<std::vector<int64_t>>& tokens);

  /// Returns `times` copies of sequence `row` with a cache of their own.
  DecoderSequences repeated(int64_t row, int64_t times) const;

 private:
  const model::Decoder& decoder_;
  model::KvCache cache_;
  at::Tensor logits_;
};

}  // namespace ccexpert::generate

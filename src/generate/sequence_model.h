// What the searches need of a language model, and nothing of how it computes.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/model/ccexpert_model.h>

namespace ccexpert {

/// Several sequences that grow by one token at a time.
class SequenceModel {
 public:
  virtual ~SequenceModel() = default;

  /// Logits [R,V] of the next token of each of R sequences.
  virtual at::Tensor logits() const = 0;

  /// Sequence i becomes what sequence `rows[i]` was, grown by token `ids[i]`; then `logits` are of those
  /// sequences.
  virtual void grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) = 0;
};

/// A Qwen2 decoder behind a KV cache.
class DecoderSequences : public SequenceModel {
 public:
  /// Reads the prompts; each may then grow by `room` tokens.
  DecoderSequences(const Qwen2Decoder& decoder, const PaddedSequences& prompts, int64_t room);

  at::Tensor logits() const override { return logits_; }
  void grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) override;

 private:
  const Qwen2Decoder& decoder_;
  KvCache cache_;
  at::Tensor logits_;
};

}  // namespace ccexpert

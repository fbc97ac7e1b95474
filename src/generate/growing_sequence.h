// Sequence that grows token by token, with decoding settings and a random generator of its own.
#pragma once

#include <optional>
#include <random>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "generate/shared/decode.h"

namespace ccexpert::generate {

/// Next token of a sequence, and the natural logarithm of its probability under the model's own distribution.
struct TokenChoice {
  int64_t id;
  double logprob;
};

class GrowingSequence {
 public:
  /// `decoding` must outlive this object. The sequence is sampled with a seed and a temperature above 0, else
  /// greedy.
  GrowingSequence(const DecodingConfig& decoding, SampleSeed seed);

  /// Returns the scores [V] for the next token: `logits` [V] in float32, with the penalties of the settings.
  at::Tensor scores(const at::Tensor& logits) const;
  /// True if `scores` differ from the logits.
  bool is_penalized() const;
  bool is_sampled() const { return generator_.has_value(); }
  /// Draws the next token from scores [V]; only for a sampled sequence.
  int64_t draw(const at::Tensor& scores);

  /// Adds a token. `wanted`: false if the caller ends the sequence with it. Returns true if it is the last.
  bool add(const TokenChoice& choice, bool wanted);
  void cancel() { result_.finish = FinishReason::kCancelled; }

  const DecodingConfig& decoding() const { return decoding_; }
  GeneratedSequence& result() { return result_; }
  const GeneratedSequence& result() const { return result_; }

 private:
  const DecodingConfig& decoding_;
  GeneratedSequence result_;
  std::optional<std::mt19937_64> generator_;
};

/// Returns the next token of each sequence from its row of `logits` [R,V]. A log-probability is NaN if the
/// row is: see expect_number.
std::vector<TokenChoice> choose_tokens(const at::Tensor& logits, std::span<GrowingSequence* const> sequences);

}  // namespace ccexpert::generate

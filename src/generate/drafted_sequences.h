// Speculative decoding: several drafted tokens in one pass of the decoder.
#pragma once

#include <vector>

#include "generate/ngram_drafter.h"
#include "generate/sequence_model.h"

namespace ccexpert::generate {

/// Decoder whose passes also compute what follows a draft of each sequence (Leviathan et al., 2023). A token
/// that equals the draft needs no pass: its logits are known. Only a single sequence is drafted. Logits are
/// the decoder's, whatever the draft, up to rounding: a product of several rows may round differently from
/// that of one.
class DraftedSequences : public SequenceModel {
 public:
  /// `sequences` are prefilled prompts whose cache holds `most` tokens more than they grow by. Both
  /// references must outlive this object.
  DraftedSequences(DecoderSequences& sequences, const NgramDrafter& drafter, int64_t most);

  at::Tensor logits() const override { return logits_; }
  void grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) override;

  /// Returns the tokens so far that needed no pass of the decoder.
  int64_t drafted() const { return drafted_; }

 private:
  struct Sequence {
    int64_t prompt = 0;                // tokens of the prompt
    std::vector<int64_t> tokens = {};  // grown by so far
    std::vector<int64_t> draft = {};   // computed tokens that may follow
    at::Tensor logits = {};            // [1+draft,V], after the last token and after each of the draft
  };
  bool all_drafted() const;
  void take_drafted();
  void compute();

  DecoderSequences& sequences_;
  const NgramDrafter& drafter_;
  const int64_t most_;
  std::vector<Sequence> state_;
  at::Tensor logits_;
  int64_t drafted_ = 0;
};

}  // namespace ccexpert::generate

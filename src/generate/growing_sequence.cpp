#include "generate/growing_sequence.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "generate/token_choice.h"

namespace ccexpert::generate {
namespace {

/// Returns the scores [R,V] in float32.
at::Tensor scores_of(const at::Tensor& logits, std::span<GrowingSequence* const> sequences) {
  const auto penalized = [](const GrowingSequence* sequence) { return sequence->is_penalized(); };
  if (std::ranges::none_of(sequences, penalized)) return logits.to(at::kFloat);
  auto scores = logits.to(at::kFloat, false, true);
  for (size_t row = 0; row < sequences.size(); ++row) {
    const auto index = static_cast<int64_t>(row);
    if (sequences[row]->is_penalized()) scores[index].copy_(sequences[row]->scores(logits[index]));
  }
  return scores;
}

/// Returns the ids [R] of the next tokens.
at::Tensor next_ids(const at::Tensor& scores, std::span<GrowingSequence* const> sequences) {
  const auto sampled = [](const GrowingSequence* sequence) { return sequence->is_sampled(); };
  if (std::ranges::none_of(sequences, sampled)) return scores.argmax(-1);
  std::vector<int64_t> ids;
  for (size_t row = 0; row < sequences.size(); ++row) {
    const auto of_row = scores[static_cast<int64_t>(row)];
    ids.push_back(sequences[row]->is_sampled() ? sequences[row]->draw(of_row)
                                               : of_row.argmax().item<int64_t>());
  }
  return at::tensor(ids, at::kLong).to(scores.device());
}

}  // namespace

GrowingSequence::GrowingSequence(const DecodingConfig& decoding, SampleSeed seed) : decoding_(decoding) {
  if (decoding.temperature > 0.0 && seed) generator_.emplace(*seed);
}

bool GrowingSequence::is_penalized() const {
  return changes_scores(result_.ids, decoding_);
}

at::Tensor GrowingSequence::scores(const at::Tensor& logits) const {
  return penalize(logits.unsqueeze(0), {result_.ids}, decoding_).squeeze(0);
}

int64_t GrowingSequence::draw(const at::Tensor& scores) {
  return draw_token(sampled_tokens(scores, decoding_), generator_.value());
}

bool GrowingSequence::add(const TokenChoice& choice, bool wanted) {
  result_.ids.push_back(choice.id);
  result_.logprob += choice.logprob;
  if (decoding_.is_stop(choice.id)) {
    result_.finish = FinishReason::kEndToken;
    return true;
  }
  if (!wanted) {
    cancel();
    return true;
  }
  return std::ssize(result_.ids) >= decoding_.max_new_tokens;
}

std::vector<TokenChoice> choose_tokens(const at::Tensor& logits,
                                       std::span<GrowingSequence* const> sequences) {
  const auto ids = next_ids(scores_of(logits, sequences), sequences);  // [R]
  const auto logprobs = at::log_softmax(logits, -1, at::kFloat).gather(1, ids.unsqueeze(1)).squeeze(1);
  const auto ids_cpu = ids.to(at::kCPU);
  const auto logprobs_cpu = logprobs.to(at::kCPU);
  std::vector<TokenChoice> choices;
  for (int64_t row = 0; row < ids_cpu.size(0); ++row) {
    choices.push_back({ids_cpu.const_data_ptr<int64_t>()[row],
                       static_cast<double>(logprobs_cpu.const_data_ptr<float>()[row])});
  }
  return choices;
}

}  // namespace ccexpert::generate

// Prefill of a captioner: prompts after what is known of their start.
#include <algorithm>
#include <numeric>

#include <ATen/ATen.h>

#include "generate/captioner_impl.h"
#include "generate/keep_tokens.h"
#include "generate/shared_prefix.h"

namespace ccexpert::generate {
namespace {

int64_t sum_of(const std::vector<int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), int64_t{0});
}

/// Returns the sequences without the first `start[b]` tokens of each row.
model::PaddedSequences without_start(model::PaddedSequences prompts, const std::vector<int64_t>& start) {
  int64_t longest = 0;
  for (size_t row = 0; row < start.size(); ++row) {
    prompts.lengths[row] -= start[row];
    longest = std::max(longest, prompts.lengths[row]);
  }
  std::vector<at::Tensor> rows;
  for (size_t row = 0; row < start.size(); ++row) {
    const int64_t length = prompts.lengths[row];
    const auto rest = prompts.embeddings[static_cast<int64_t>(row)].narrow(0, start[row], length);
    rows.push_back(at::constant_pad_nd(rest, {0, 0, 0, longest - length}));
  }
  prompts.embeddings = at::stack(rows);
  return prompts;
}

}  // namespace

std::vector<int64_t> Captioner::Impl::tokens_in_prefix(const Prompts& prompts) const {
  return start_ ? start_->lengths(prompts) : std::vector<int64_t>(prompts.size(), 0);
}

model::KvCache Captioner::Impl::cache_of(const std::vector<int64_t>& start, int64_t capacity,
                                         KeptPrompts* held) const {
  if (held != nullptr) {
    auto cache = std::move(held->cache.value());
    held->cache.reset();  // an error leaves nothing that could be wrong
    cache.truncate(start);
    cache.reserve(capacity);
    return cache;
  }
  model::KvCache cache(loaded_.model->decoder().config().num_hidden_layers, capacity);
  const auto longest = *std::ranges::max_element(start);
  const auto first = [&](const at::Tensor& tokens) { return tokens.narrow(2, 0, longest); };
  if (longest > 0) {
    const auto& prefix = start_.value().prefix;
    cache.start(first(prefix.keys), first(prefix.values), start);
  }
  return cache;
}

DecoderSequences Captioner::Impl::prefill(const SeenTokens& images, const Question& question,
                                          KeptPrompts* kept) const {
  const auto& ids = question.prompts;
  auto start = tokens_in_prefix(ids);
  const bool first = kept == nullptr || !kept->cache;
  const int64_t shared = first ? 0 : shared_prefix(kept->ids, ids, images.tokens.size(1));
  // Tokens of the prefix are more exact than what the question before may have in their place.
  const bool continues = shared > *std::ranges::max_element(start);
  if (continues) start.assign(ids.size(), shared);
  auto prompts = loaded_.model->splice(ids, images.tokens);
  stopwatch_.count(
      {.pairs = std::ssize(ids), .prompt_tokens = sum_of(prompts.lengths), .reused_tokens = sum_of(start)});
  prompts = without_start(std::move(prompts), start);
  const int64_t tokens = prompts.embeddings.size(1);
  const int64_t capacity = *std::ranges::max_element(start) + tokens + question.decoding.max_new_tokens +
                           question.options.draft_tokens;
  if (kept != nullptr && !continues) kept->cache.reset();  // memory of one batch of prompts at a time
  auto cache = cache_of(start, capacity, continues ? kept : nullptr);
  if (images.patches.defined()) cache.place(positions_of(images, ids, start, tokens));
  DecoderSequences sequences(loaded_.model->decoder(), std::move(cache), prompts);
  if (kept != nullptr) *kept = {images, question.options.keep_tokens, ids, sequences.cache()};
  return sequences;
}

at::Tensor Captioner::Impl::positions_of(const SeenTokens& images, const Prompts& ids,
                                         const std::vector<int64_t>& start, int64_t tokens) const {
  const int64_t grid = model_config().vision.grid();
  return full_positions({.ids = ids,
                         .patches = images.patches,
                         .all_patches = grid * grid,
                         .other_tokens = images.tokens.size(1) - images.patches.size(1)},
                        start, tokens);
}

}  // namespace ccexpert::generate

/// Decoding of prompts by a model's decoder.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include <ccexpert/captioner.h>
#include <ccexpert/generate/options.h>
#include <ccexpert/model/ccexpert_model.h>

namespace ccexpert::generate {

/// Finished sequence.
struct GeneratedSequence {
  std::vector<int64_t> ids;  ///< the end token included
  double logprob = 0.0;  ///< sum over `ids` under the model's own distribution (no penalty, no temperature)
  FinishReason finish = FinishReason::kLength;
};

struct SearchRequest {
  DecodingConfig decoding;
  /// Called for each token (sequence, id, logprob); false ends that sequence. Not called by beam search.
  std::function<bool(size_t, int64_t, double)> on_token;
  std::stop_token stop;
};

/// Continues each of `prompts` by beam search, sampling or greedy decoding, as `request` asks: returns one
/// result for each.
std::vector<GeneratedSequence> decode(const model::Decoder& decoder, const model::PaddedSequences& prompts,
                                      const SearchRequest& request);

}  // namespace ccexpert::generate

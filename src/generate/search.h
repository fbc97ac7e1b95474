// Greedy decoding, sampling and beam search over any SequenceModel.
#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include <ccexpert/captioner.h>
#include <ccexpert/generate/options.h>

#include "generate/sequence_model.h"

namespace ccexpert {

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

/// Greedy decoding, or sampling if a temperature is set: returns one result for each sequence of `model`. A
/// finished sequence leaves the batch; sequences are independent, and each has its own random generator.
std::vector<GeneratedSequence> sample(SequenceModel& model, const SearchRequest& request);

/// Beam search: returns one result for each sequence of `model`, the best finished one by score /
/// length^length_penalty. The score is the sum of penalized log-probabilities, which are not renormalised, as
/// in transformers.
std::vector<GeneratedSequence> beam_search(SequenceModel& model, const SearchRequest& request);

}  // namespace ccexpert

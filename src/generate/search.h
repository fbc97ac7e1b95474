// Greedy decoding, sampling and beam search over any SequenceModel.
#pragma once

#include <vector>

#include "generate/sequence_model.h"
#include "generate/shared/decode.h"

namespace ccexpert::generate {

/// Greedy decoding, or sampling if a temperature is set: returns one result for each sequence of `model`. A
/// finished sequence leaves the batch; sequences are independent, and each has its own random generator.
std::vector<GeneratedSequence> sample(SequenceModel& model, const SearchRequest& request);

/// Beam search: returns one result for each sequence of `model`, the best finished one by score /
/// length^length_penalty. The score is the sum of penalized log-probabilities, which are not renormalised, as
/// in transformers.
std::vector<GeneratedSequence> beam_search(SequenceModel& model, const SearchRequest& request);

}  // namespace ccexpert::generate

// Greedy decoding, sampling and beam search over any SequenceModel.
#pragma once

#include <vector>

#include "generate/sequence_model.h"
#include "generate/shared/decode.h"

namespace ccexpert::generate {

class FixedSteps;

/// Greedy decoding, or sampling if a temperature is set: returns one result for each sequence of `model`. A
/// finished sequence leaves the batch; sequences are independent, and each has its own random generator.
std::vector<GeneratedSequence> sample(SequenceModel& model, const SearchRequest& request);

/// Minimum-Bayes-risk decoding (Kumar and Byrne, 2004; Eikema and Aziz, 2020): returns for each of `prompts`
/// the candidate that `request.choose` takes among a greedy sequence and `mbr` samples, which share the
/// prompt's cache. The candidates of one prompt are in memory at once.
std::vector<GeneratedSequence> minimum_bayes_risk(const DecoderSequences& prompts,
                                                  const SearchRequest& request);

/// Runs greedy decoding, sampling or beam search, as `request` asks.
std::vector<GeneratedSequence> grow(SequenceModel& model, const SearchRequest& request);

/// Runs the search that `request` asks for, by a step of `steps` if they are not null and have one.
std::vector<GeneratedSequence> search(DecoderSequences& prompts, const SearchRequest& request,
                                      FixedSteps* steps = nullptr);

/// Beam search: returns one result for each sequence of `model`, the best finished one by score /
/// length^length_penalty. The score is the sum of penalized log-probabilities, which are not renormalised, as
/// in transformers.
std::vector<GeneratedSequence> beam_search(SequenceModel& model, const SearchRequest& request);

}  // namespace ccexpert::generate

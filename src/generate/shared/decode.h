/// Decoding of prompts by a model's decoder.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
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

/// Returns the ids of a sequence that are its text: those before its end token. An end token may be an
/// ordinary piece of text, as "##" of MiniGPT-4.
std::span<const int64_t> text_ids(const GeneratedSequence& sequence, const DecodingConfig& decoding);

/// Seed of a sampled sequence; nothing: the sequence is greedy.
using SampleSeed = std::optional<uint64_t>;

struct SearchRequest {
  DecodingConfig decoding;
  /// Called for each token (sequence, id, logprob); false ends that sequence. Not called by beam search and
  /// minimum-Bayes-risk decoding.
  std::function<bool(size_t, int64_t, double)> on_token;
  std::stop_token stop;
  /// Called before each step of the search; it may request a stop.
  std::function<void()> between = {};
  /// Returns the index of the chosen candidate of one prompt; needed by minimum-Bayes-risk decoding. The
  /// first candidate is the greedy sequence, the others are samples.
  std::function<size_t(std::span<const GeneratedSequence>)> choose = {};
  std::vector<SampleSeed> seeds =
      {};  ///< of each sequence, if the temperature is above 0; empty: decoding.seed
};

/// Returns the seeds of the candidates of minimum-Bayes-risk decoding: a greedy one, then `decoding.mbr`
/// samples.
std::vector<SampleSeed> candidate_seeds(const DecodingConfig& decoding);

/// Returns the index of the candidate with the largest mean utility against the samples other than itself;
/// equal ones are ordered by log-probability, then by index. Candidate 0 is greedy and no sample. `texts` are
/// the captions of the candidates.
size_t least_risk(std::span<const GeneratedSequence> candidates, std::span<const std::string> texts,
                  const CaptionUtility& utility);

/// Continues each of `prompts` by beam search, sampling, greedy or minimum-Bayes-risk decoding, as `request`
/// asks: returns one result for each.
std::vector<GeneratedSequence> decode(const model::Decoder& decoder, const model::PaddedSequences& prompts,
                                      const SearchRequest& request);

/// Samples several sequences of each of `prompts`, which is prefilled once. `seeds` are those of each prompt.
std::vector<std::vector<GeneratedSequence>> decode_samples(const model::Decoder& decoder,
                                                           const model::PaddedSequences& prompts,
                                                           const SearchRequest& request,
                                                           std::span<const std::vector<SampleSeed>> seeds);

}  // namespace ccexpert::generate

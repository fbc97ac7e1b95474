// METEOR's search for the alignment that covers the most words with the fewest chunks.
#pragma once

#include <vector>

#include "eval/meteor_words.h"

namespace ccexpert::eval {

struct Alignment {
  std::vector<MeteorMatch> matches;  ///< in the order of the reference
  size_t chunks = 0;                 ///< runs of matches adjacent on both sides
};

/// Candidate matches, indexed by their first word in the reference.
using MatchCandidates = std::vector<std::vector<MeteorMatch>>;

MatchCandidates match_candidates(const MeteorVocabulary& vocabulary, const MeteorSentence& prediction,
                                 const MeteorSentence& reference);

/// Runs a left-to-right beam search over the reference, which has as many words as `candidates` has lists.
Alignment best_alignment(const MatchCandidates& candidates, size_t prediction_words);

}  // namespace ccexpert::eval

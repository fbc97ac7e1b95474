// METEOR's search for the alignment that covers most words in the fewest pieces.
#pragma once

#include <vector>

#include "eval/meteor_words.h"

namespace ccexpert::eval {

struct Alignment {
  std::vector<MeteorMatch> matches;  ///< in the order of the reference
  size_t chunks = 0;                 ///< stretches of matches that are next to one another on both sides
};

/// What can be matched with what, by the first word in the reference.
using MatchCandidates = std::vector<std::vector<MeteorMatch>>;

MatchCandidates match_candidates(const MeteorVocabulary& vocabulary, const MeteorSentence& prediction,
                                 const MeteorSentence& reference);

/// Beam search from left to right over the reference, which has as many words as `candidates` has lists.
Alignment best_alignment(const MatchCandidates& candidates, size_t prediction_words);

}  // namespace ccexpert::eval

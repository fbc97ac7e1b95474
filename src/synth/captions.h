// Sentences for facts in the style of LEVIR-CC's annotators.
#pragma once

#include <string>
#include <vector>

#include "synth/facts.h"
#include "synth/random.h"

namespace ccexpert::synth {

/// Returns five different sentences, each by another writer unless that one runs out of words; all are about
/// the first fact, some also about others. Throws Error if the facts have not words enough for five.
std::vector<std::string> captions_of(Random& random, const std::vector<Fact>& facts);

/// Returns every word that a caption may contain.
const std::vector<std::string>& caption_words();

}  // namespace ccexpert::synth

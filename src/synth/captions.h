// Sentences for facts in the style of LEVIR-CC's annotators.
#pragma once

#include <string>
#include <vector>

#include "synth/facts.h"
#include "synth/random.h"

namespace ccexpert::synth {

/// Returns five different sentences by five writers; each is about the first fact, some also about others.
std::vector<std::string> captions_of(Random& random, const std::vector<Fact>& facts);

/// Returns every word that a caption may contain.
const std::vector<std::string>& caption_words();

}  // namespace ccexpert::synth

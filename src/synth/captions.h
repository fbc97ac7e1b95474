// Facts to sentences as annotators of LEVIR-CC write them.
#pragma once

#include <string>
#include <vector>

#include "synth/facts.h"
#include "synth/random.h"

namespace ccexpert::synth {

/// Five sentences that differ; each names the first fact, some others too.
std::vector<std::string> captions_of(Random& random, const std::vector<Fact>& facts);

/// Every word that a caption may hold.
const std::vector<std::string>& caption_words();

}  // namespace ccexpert::synth

// Parts of sentences for one fact.
#pragma once

#include <string>

#include "synth/facts.h"
#include "synth/random.h"

namespace ccexpert::synth {

/// "two houses" and whether verbs follow it in the plural.
struct Subject {
  std::string text;
  bool plural = false;
};

/// What the fact is about, counted.
Subject subject_of(Random& random, const Fact& fact);

/// Where it is: " along the road", " in the top left corner", or nothing. Begins with a blank.
std::string place_of(Random& random, const Fact& fact);

/// " in the top left corner", or nothing where the fact is spread.
std::string region_text(Random& random, Region region);

/// "the bareland", "the woods"; only for a cover other than kMixed.
Subject cover_of(Random& random, Cover cover);

/// One of "is built", "have been constructed", "appear"; or of "is removed", "disappear", ...
std::string verb_of(Random& random, const Fact& fact, bool plural);

}  // namespace ccexpert::synth

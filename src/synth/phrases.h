// Parts of sentences for one fact.
#pragma once

#include <string>

#include "synth/facts.h"
#include "synth/random.h"

namespace ccexpert::synth {

/// Subject such as "two houses", and true if its verb is in the plural.
struct Subject {
  std::string text;
  bool plural = false;
};

/// Returns the counted subject of a fact.
Subject subject_of(Random& random, const Fact& fact);

/// Returns the place of a fact: " along the road", " in the top left corner", or an empty string. Begins with
/// a space.
std::string place_of(Random& random, const Fact& fact);

/// Returns " in the top left corner", or an empty string if the fact is spread over the scene.
std::string region_text(Random& random, Region region);

/// Returns "the bareland", "the woods"; not for kMixed.
Subject cover_of(Random& random, Cover cover);

/// Returns one of "is built", "have been constructed", "appear"; or of "is removed", "disappear", ...
std::string verb_of(Random& random, const Fact& fact, bool plural);

}  // namespace ccexpert::synth

// Parts of sentences for one fact.
#pragma once

#include <string>
#include <vector>

#include "synth/facts.h"
#include "synth/random.h"
#include "synth/voices.h"

namespace ccexpert::synth {

/// Writer of one sentence.
struct Writer {
  Random& random;
  const Voice& voice;

  bool chance(double probability) const { return random.chance(probability); }
  std::string pick(const std::vector<const char*>& words) const { return random.pick(words); }
};

/// Subject such as "two houses", and true if its verb is in the plural.
struct Subject {
  std::string text;
  bool plural = false;
};

/// Returns the counted subject of a fact.
Subject subject_of(const Writer& writer, const Fact& fact);

/// Returns the subject without a number, to be listed: "houses"; a single one has its article.
Subject bare_subject_of(const Writer& writer, const Fact& fact);

/// Returns one of "is built", "have been constructed", "appear"; or of "is removed", "disappear", ...
std::string verb_of(const Writer& writer, const Fact& fact, bool plural);

/// Returns the places of a fact, each with a space before it: " along the road in the forest"; often empty.
std::string place_of(const Writer& writer, const Fact& fact);

/// Returns the road beside the objects: " along the road", " on both sides of the roads". Needs a roadside.
std::string road_text(const Writer& writer, const Fact& fact);

/// Returns " at the top right corner", or an empty string if the fact is spread over the scene.
std::string region_text(const Writer& writer, Region region);

/// Returns " on the bareland", " in the forest"; not for kMixed.
std::string ground_text(const Writer& writer, Cover cover);

/// Returns "the bareland", "some trees"; not for kMixed.
Subject cover_of(const Writer& writer, Cover cover);

/// Returns the trees of a fact that are or were there: "some trees", "the forest".
Subject trees_of(const Writer& writer, const Fact& fact);

}  // namespace ccexpert::synth

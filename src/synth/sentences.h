// Forms of sentences about the facts of one pair.
#pragma once

#include "synth/phrases.h"

namespace ccexpert::synth {

/// Facts by their part in a sentence; null if there is none.
struct Told {
  const std::vector<Fact>& facts;
  const Fact& first;              ///< the most salient
  const Fact* road = nullptr;     ///< new roads, if the first fact is another
  const Fact* cleared = nullptr;  ///< removed trees, if the first fact is another
  const Fact* parking = nullptr;  ///< a new parking lot near buildings of the first fact
  const Fact* path = nullptr;     ///< new paths
  const Fact* other = nullptr;    ///< another fact that is large enough to be named, neither of these
};

Told told_of(const std::vector<Fact>& facts);

// Each returns a sentence without its full stop, or an empty string if its form does not fit the facts.

/// "some houses are built along the road"
std::string plain_sentence(const Writer& writer, const Told& told);
/// "a road and some houses appear at the top"
std::string list_sentence(const Writer& writer, const Told& told);
/// "a road is built and some houses appear on both sides of it"
std::string two_clauses(const Writer& writer, const Told& told);
/// "a road with villas built along appears"
std::string lined_road(const Writer& writer, const Told& told);
/// "trees are removed and some houses are built"
std::string with_clearing(const Writer& writer, const Told& told);
/// "the woods are replaced by some houses"
std::string replacement(const Writer& writer, const Told& told);
/// "a residential area with many houses appears"
std::string residential_area(const Writer& writer, const Told& told);
/// "a building with a parking lot is built", "the house has been rebuilt", "two houses are replaced by ..."
std::string special_sentence(const Writer& writer, const Told& told);

}  // namespace ccexpert::synth

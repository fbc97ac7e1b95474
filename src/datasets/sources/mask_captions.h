// Captions for changes that are known only from a mask.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/sources/change_map.h"

namespace ccexpert::datasets {

/// Singular and plural form of a verb.
struct Verb {
  std::string one;
  std::string many;
};

/// Words for a source's kind of change.
struct KindWords {
  std::string one;          ///< "a new object"
  std::string many;         ///< "new objects", after a number
  std::vector<Verb> verbs;  ///< "appears", "appear"
};

struct MaskCaptionOptions {
  size_t count = 5;  ///< captions per pair
  uint64_t seed = 42;
  uint64_t key = 0;  ///< key of the pair
};

/// Returns `count` sentences, different if possible: what changed, how many, where and how large. Without
/// facts they say that nothing changed. `words[kind - 1]` are the words of a kind.
std::vector<std::string> mask_captions(const std::vector<MaskFact>& facts,
                                       const std::vector<KindWords>& words,
                                       const MaskCaptionOptions& options);

/// Returns the facts as texts for a model: "2 new objects, top left, 3.1 % of the image".
std::vector<std::string> fact_texts(const std::vector<MaskFact>& facts, const std::vector<KindWords>& words);

}  // namespace ccexpert::datasets

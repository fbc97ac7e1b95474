// Sentences about a change of which only a mask is known.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datasets/change_map.h"

namespace ccexpert::datasets {

/// A verb after one and after several.
struct Verb {
  std::string one;
  std::string many;
};

/// How a source's kind of change is called.
struct KindWords {
  std::string one;          ///< "a new object"
  std::string many;         ///< "new objects", behind a number
  std::vector<Verb> verbs;  ///< "appears", "appear"
};

struct MaskCaptionOptions {
  size_t count = 5;  ///< captions of a pair
  uint64_t seed = 42;
  uint64_t key = 0;  ///< of the pair
};

/// `count` sentences that differ where they can: what changed, how many, where and how large. Without facts
/// they say that nothing did. `words[kind - 1]` are the words of a kind.
std::vector<std::string> mask_captions(const std::vector<MaskFact>& facts,
                                       const std::vector<KindWords>& words,
                                       const MaskCaptionOptions& options);

/// The facts themselves, for a model to write from: "2 new objects, top left, 3.1 % of the image".
std::vector<std::string> fact_texts(const std::vector<MaskFact>& facts, const std::vector<KindWords>& words);

}  // namespace ccexpert::datasets

// Questions to the model about tiles.
#pragma once

#include <vector>

#include <ccexpert/geo/map.h>

#include "geo/journal.h"
#include "geo/scene_stack.h"

namespace ccexpert::geo {

/// Pairs of images for the model, and their results; both must outlive it.
struct Asked {
  std::vector<ImagePair> pairs;
  std::vector<TileResult*> results;

  void add(const TilePair& pair, TileResult& result);
};

/// Locates the change of all pairs, and captions those with a score of at least `threshold`; the others
/// become quiet.
void ask(const Asked& asked, const MapModel& model, double threshold);

/// Sets what is known of a pair before the model sees it: shares of pixels, its shift, and whether it is
/// skipped.
void set_pixels(TileResult& result, const TilePair& pair, double min_valid);

}  // namespace ccexpert::geo

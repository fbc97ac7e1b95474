// Tiles of a scene, read in the background.
#pragma once

#include <cstdint>
#include <future>
#include <string>
#include <vector>

#include "geo/scene_stack.h"
#include "geo/tiling.h"

namespace ccexpert::geo {

/// Tile that was read, or the reason why it was not.
struct ReadTile {
  int64_t index = 0;
  TilePair pair = {};
  TileDates dates = {};                    ///< of a series, in place of the pair
  std::vector<std::string> pictures = {};  ///< of both dates or of a series; empty for a pair without pixels
  std::string error = {};
};

/// Reads tiles batch by batch, one batch ahead.
class TileReader {
 public:
  TileReader(SceneStack& scene, const Tiling& tiling, std::vector<int64_t> tiles, int64_t batch);

  /// Returns the next batch; empty at the end.
  std::vector<ReadTile> next();

 private:
  void start();

  SceneStack& scene_;
  const Tiling& tiling_;
  std::vector<int64_t> tiles_;
  size_t batch_;
  size_t next_ = 0;
  std::future<std::vector<ReadTile>> ahead_;
};

}  // namespace ccexpert::geo

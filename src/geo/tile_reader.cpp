#include "geo/tile_reader.h"

#include <algorithm>
#include <utility>

#include "core/foreign_errors.h"
#include "geo/gdal_use.h"
#include "geo/overview.h"

namespace ccexpert::geo {
namespace {

void read_dates(SceneStack& scene, const Tiling& tiling, ReadTile& tile) {
  const auto window = tiling.window(tile.index);
  if (!scene.is_series()) {
    tile.pair = scene.read(window);
    if (tile.pair.valid == 0.0) return;
  } else {
    tile.dates = scene.read_all(window);
  }
  const auto part = tiling.own_part(tile.index);
  const OverviewGrid grid(scene.grid(), std::max(window.width, window.height));
  const auto picture = [&](const image::Image& date) { return thumbnail_of(date, window, part, grid); };
  for (const auto& date : tile.dates.images) tile.pictures.push_back(picture(date));
  if (!scene.is_series()) tile.pictures = {picture(tile.pair.before), picture(tile.pair.after)};
}

ReadTile read_tile(SceneStack& scene, const Tiling& tiling, int64_t index) {
  ReadTile tile{.index = index};
  try {
    read_dates(scene, tiling, tile);
  } catch (const Fault&) {
    throw;
  } catch (const Error& error) {
    tile.error = error.what();
  }
  return tile;
}

}  // namespace

TileReader::TileReader(SceneStack& scene, const Tiling& tiling, std::vector<int64_t> tiles, int64_t batch)
    : scene_(scene), tiling_(tiling), tiles_(std::move(tiles)), batch_(static_cast<size_t>(batch)) {
  start();
}

std::vector<ReadTile> TileReader::next() {
  auto tiles = ahead_.get();
  start();
  return tiles;
}

void TileReader::start() {
  const size_t end = std::min(next_ + batch_, tiles_.size());
  ahead_ = std::async(std::launch::async, [this, from = std::exchange(next_, end), end] {
    const QuietGdal quiet;
    std::vector<ReadTile> tiles;
    for (size_t i = from; i < end; ++i) tiles.push_back(read_tile(scene_, tiling_, tiles_[i]));
    return tiles;
  });
}

}  // namespace ccexpert::geo

#include <ccexpert/core/error.h>

#include "eval/shared/unchanged.h"
#include "geo/shared/map_text.h"
#include "geo/shared/scene_folder.h"
#include "serve/map_maker.h"

namespace ccexpert::tools {
namespace {

/// Tiles in flight at once: a map shares the batch with other clients.
constexpr int64_t kTilesAtOnce = 4;

geo::MapTextOptions options_of(const serve::AskedMap& asked) {
  geo::MapOptions map;
  map.before = asked.before.string();
  map.after = asked.after.string();
  map.threshold = asked.threshold;
  map.merge = true;
  map.batch = kTilesAtOnce;
  if (!asked.tile.empty()) {
    const auto tile = geo::Length::from_text(asked.tile);
    if (!tile) fail_expected({"tile", geo::Length::kForms, asked.tile});
    map.tile = *tile;
  }
  return {.map = std::move(map), .bounds = asked.bounds, .most_tiles = asked.most_tiles};
}

serve::MadeMap make(const serve::AskedMap& asked, const serve::TileModel& model,
                    const std::stop_token& stop) {
  auto text = geo::map_as_text(
      options_of(asked),
      {.caption = model.caption,
       .locate = model.locate,
       .changed_from = [from = model.changed_from] { return from; },
       .says_unchanged = [](const std::string& caption) { return eval::says_unchanged(caption); }},
      stop);
  return {std::move(text.summary), std::move(text.changes)};
}

}  // namespace

serve::MapMaker map_maker(const std::filesystem::path& root, const serve::MapLimits& limits) {
  return {.root = root,
          .limits = limits,
          .scenes = [](const std::filesystem::path& folder) { return geo::raster_files(folder, true); },
          .make = make};
}

}  // namespace ccexpert::tools

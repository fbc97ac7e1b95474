// Stories of change, and the parts that they share.
#pragma once

#include <optional>
#include <vector>

#include "synth/layout.h"

namespace ccexpert::synth {

Ground any_ground(Random& random);

/// Returns ground on which suburbs are built: often woods.
Ground open_ground(Random& random);

/// True if most of the lot's house is in the frame.
bool seen(const Scene& scene, const Lot& lot);

/// Adds ground that was cleared and levelled for the lots before construction.
void level_lots(Scene& scene, const std::vector<Lot>& lots, Dates dates);

void add_houses(Random& random, Scene& scene, const SuburbStyle& style, const std::vector<Lot>& lots,
                Dates dates);

/// Returns a free place whose width is of `low` to `high` metres.
std::optional<Box> place_for(Random& random, const Scene& scene, double low, double high, bool by_road);

/// Lays a place with existing objects: a suburb, a country road, large buildings.
void lay_setting(Random& random, Scene& scene);

/// Fills the remaining lots with houses that exist at both dates.
void fill_with_houses(Random& random, Scene& scene, double filled);

// Stories: each composes one place with its change.
void houses_built(Random& random, Scene& scene);
void houses_removed(Random& random, Scene& scene);
/// New streets and houses on empty land.
void neighbourhood_built(Random& random, Scene& scene);
/// Houses come in one part of a suburb with many streets, some of which may be new.
void estate_grows(Random& random, Scene& scene);
/// Small houses give way to larger ones on their lots.
void houses_rebuilt(Random& random, Scene& scene);
/// Houses give way to a large building or a parking lot.
void houses_replaced(Random& random, Scene& scene);
void lone_house_changes(Random& random, Scene& scene);
/// Sheds or single trailers come, go or are rebuilt.
void sheds_change(Random& random, Scene& scene);
/// A park of trailers comes, goes or grows.
void trailers_change(Random& random, Scene& scene);
void large_building_changes(Random& random, Scene& scene);
void patch_changes(Random& random, Scene& scene);
void road_changes(Random& random, Scene& scene);
void trees_change(Random& random, Scene& scene);

}  // namespace ccexpert::synth

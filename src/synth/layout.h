// Placement of roads, lots along them, houses with their surroundings, ground and vegetation.
#pragma once

#include <optional>
#include <vector>

#include "synth/random.h"
#include "synth/scene.h"

namespace ccexpert::synth {

enum class RoadShape { kStraight, kArc, kWave, kDeadEnd };

/// Returns a line across the whole scene (to its middle for a dead end) through a point near `through`.
Polyline road_line(Random& random, const Scene& scene, RoadShape shape, Point through, double angle);

/// Returns a suburban street: 7 to 10 m of asphalt or concrete, often with sidewalks.
Road street(Random& random, const Scene& scene, Polyline line, Dates dates);

/// Returns the streets of a suburb: one, two that meet, two or three in parallel, or a dead end.
std::vector<Road> street_plan(Random& random, const Scene& scene, Dates dates);

/// Returns the streets of a large suburb: a main street and two to four dead ends or through streets off it.
std::vector<Road> estate_plan(Random& random, const Scene& scene, Dates dates);

/// Place for one house along a road.
struct Lot {
  Box ground;
  Box house;
  int road = 0;
  int side = 1;
  double along = 0;
};

/// Style of the houses of one suburb: drawn once, so that neighbours are alike.
struct SuburbStyle {
  double lot_width = 0;
  double house_width = 0;
  double house_depth = 0;
  double setback = 0;
  double yard = 0;
  double ragged = 0;  ///< variation in place among houses of one row
  Roof roof = Roof::kHip;
  uint32_t look = 0;
  double pools = 0;   ///< share of the lots
  double shade = 0;   ///< number and age of the trees in yards, 0 to 1
  double fences = 0;  ///< 1: all lots are fenced, 0: none
};

SuburbStyle suburb_style(Random& random, const Scene& scene);

/// Returns free lots along all roads of the scene, in order along each side.
std::vector<Lot> lots_along(Random& random, const Scene& scene, const SuburbStyle& style);

/// Adds a house with driveway, lawn, trees, fence and sometimes a pool; no lawn if `on_grass`.
void add_house(Random& random, Scene& scene, const SuburbStyle& style, const Lot& lot, Dates dates,
               bool on_grass);

/// Returns the parts of a house: a main part, and often one or two projecting wings.
std::vector<Wing> house_wings(Random& random, const Box& house, double metre);

/// Marks a share of the existing trees to be kept among houses that are added later.
void spare_trees(Random& random, Scene& scene, double share);

/// Adds the surroundings: ground, patches of other ground, trees scattered or as woods.
void lay_ground(Random& random, Scene& scene, Ground ground);

/// Adds covers of open ground (ploughed, mown, overgrown or driven over) at one of the dates. They do not
/// count as a change and are in no change map.
void add_covers(Random& random, Scene& scene);

/// Adds the trees of one wood, crown to crown.
void add_wood(Random& random, Scene& scene, const Polygon& outline, double gap, Dates dates);

/// Returns an outline without corners: a circle whose radius varies by `rough`, stretched along a direction.
Polygon blob(Random& random, Point centre, double radius, double rough, double stretch);

/// Adds small adjacent buildings in free places, as in old villages and camps; they exist at both dates.
void add_village(Random& random, Scene& scene);

/// Adds a lone house or barn, away from streets, that exists at both dates.
void add_homestead(Random& random, Scene& scene);

void add_large_building(Random& random, Scene& scene, const Box& place, Dates dates);
void add_parking(Random& random, Scene& scene, const Box& place, Dates dates);
void add_patch(Random& random, Scene& scene, PatchKind kind, const Box& place, Dates dates);

/// Returns a free box of about `width` x `depth` with its centre in the frame; along the nearest road if
/// `by_road`. Returns nullopt if no place was found.
std::optional<Box> free_place(Random& random, const Scene& scene, double width, double depth, bool by_road);

}  // namespace ccexpert::synth

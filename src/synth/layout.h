// Where things go: roads, lots along them, houses and what belongs to them, ground and vegetation.
#pragma once

#include <optional>
#include <vector>

#include "synth/random.h"
#include "synth/scene.h"

namespace ccexpert::synth {

enum class RoadShape { kStraight, kArc, kWave, kDeadEnd };

/// A line across the whole scene (to its middle for a dead end) through a point near `through`.
Polyline road_line(Random& random, const Scene& scene, RoadShape shape, Point through, double angle);

/// A street of a suburb: 7 to 10 m of asphalt or concrete, often with sidewalks.
Road street(Random& random, const Scene& scene, Polyline line, Dates dates);

/// Streets of a suburb: one, a crossing, two side by side, or a dead end.
std::vector<Road> street_plan(Random& random, const Scene& scene, Dates dates);

/// A place for one house along a road.
struct Lot {
  Box ground;
  Box house;
  int road = 0;
  int side = 1;
  double along = 0;
};

/// How houses of one suburb stand: drawn once, so that neighbours are alike.
struct SuburbStyle {
  double lot_width = 0;
  double house_width = 0;
  double house_depth = 0;
  double setback = 0;
  double yard = 0;
  double ragged = 0;  ///< how much houses of one row differ in place
  Roof roof = Roof::kHip;
  uint32_t look = 0;
  double pools = 0;   ///< share of the lots
  double shade = 0;   ///< how many and how old the trees of yards are, 0 to 1
  double fences = 0;  ///< 1: all lots are fenced, 0: none
};

SuburbStyle suburb_style(Random& random, const Scene& scene);

/// Free lots along all roads of the scene, in order along each side.
std::vector<Lot> lots_along(Random& random, const Scene& scene, const SuburbStyle& style);

/// A house with driveway, lawn, trees, fence and sometimes a pool. Where `on_grass`, no lawn is laid.
void add_house(Random& random, Scene& scene, const SuburbStyle& style, const Lot& lot, Dates dates,
               bool on_grass);

/// Leaves a share of the trees so far standing among houses that are yet to come.
void spare_trees(Random& random, Scene& scene, double share);

/// What lies around: ground, patches of other ground, trees scattered or as woods.
void lay_ground(Random& random, Scene& scene, Ground ground);

/// Open ground that was ploughed, mown, overgrown or driven over at one of the dates: nobody would call that
/// a change, and no map of changes has it.
void add_covers(Random& random, Scene& scene);

/// Trees of one wood, crown to crown.
void add_wood(Random& random, Scene& scene, const Polygon& outline, double gap, Dates dates);

/// An outline without corners: a circle whose radius varies by `rough`, stretched along a direction.
Polygon blob(Random& random, Point centre, double radius, double rough, double stretch);

/// Small buildings wall to wall where there is room, as in old villages and in camps; they stand at both
/// dates.
void add_village(Random& random, Scene& scene);

/// A house or a barn by itself, away from streets, that stands at both dates.
void add_homestead(Random& random, Scene& scene);

void add_large_building(Random& random, Scene& scene, const Box& place, Dates dates);
void add_parking(Random& random, Scene& scene, const Box& place, Dates dates);
void add_patch(Random& random, Scene& scene, PatchKind kind, const Box& place, Dates dates);

/// A free box of about `width` x `depth` with its centre in the frame; along the nearest road where
/// `by_road`. Nothing where no place was found.
std::optional<Box> free_place(Random& random, const Scene& scene, double width, double depth, bool by_road);

}  // namespace ccexpert::synth

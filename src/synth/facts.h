// Changes in a scene, counted and located from its geometry.
#pragma once

#include <array>
#include <vector>

#include "synth/scene.h"

namespace ccexpert::synth {

enum class Thing {
  kHouse,
  kLarge,
  kRoad,
  kParking,
  kPond,
  kPool,
  kPlayground,
  kCourt,
  kField,
  kPath,
  kTrees
};
enum class Happening { kBuilt, kRemoved, kWidened };

enum class Region {
  kNowhere,  ///< spread over the scene
  kTopLeft,
  kTop,
  kTopRight,
  kLeft,
  kMiddle,
  kRight,
  kBottomLeft,
  kBottom,
  kBottomRight
};

/// Previous cover of the ground below what was built; mixed for other facts.
enum class Cover { kBareland, kDesert, kMeadow, kDryland, kLawn, kWoods, kField, kMixed };

/// Relation of changed objects to roads that exist at the same date.
enum class Roadside {
  kNone,
  kNear,         ///< all are within 15 m of a road
  kAlong,        ///< all are along one road
  kAlongSeveral  ///< all are along roads
};

/// Form of new or removed roads.
enum class RoadForm { kAny, kStraight, kWinding, kParallel, kTee, kCrossing };

/// All appeared or removed objects of one kind.
struct Fact {
  Thing thing = Thing::kHouse;
  Happening happening = Happening::kBuilt;
  int count = 0;
  double area = 0;   ///< share of the scene
  double share = 1;  ///< of all trees before (or after, for planted ones) that changed; 1 for other things
  double square_metres = 0;  ///< mean area of one building
  Region region = Region::kNowhere;
  Cover cover = Cover::kMixed;
  Roadside roadside = Roadside::kNone;
  RoadForm form = RoadForm::kAny;
  int roads = 0;                    ///< number of roads along which they are
  int rows = 0;                     ///< rows of three or more neighbours; 0: more than a sixth is in none
  bool both_sides = false;          ///< of each of their roads
  bool one_side = false;            ///< of one road
  bool new_road = false;            ///< all their roads were built with them
  bool in_place_of_houses = false;  ///< it replaces a removed house
  bool rebuilt = false;             ///< all are houses in place of removed houses
  bool more = false;                ///< others of the kind exist at both dates
  bool among_houses = false;        ///< three houses that are there at both dates are within 40 m of each
  bool between = false;             ///< one house between two of its row that are there at both dates
  bool at_edge = false;             ///< small and at the frame
  bool extends = false;             ///< one road that goes on where another ends
  bool concrete = false;            ///< of roads: their surface
  bool with_parking = false;        ///< a parking lot was built within 15 m of one of the buildings
};

inline bool is_building(const Fact& fact) {
  return fact.thing == Thing::kHouse || fact.thing == Thing::kLarge;
}

/// Objects closer than this are near each other.
inline constexpr double kNearMetres = 15;

/// Returns the facts, the most salient first.
std::vector<Fact> facts_of(const Scene& scene);

/// True if a person would see and name the first fact.
bool worth_telling(const std::vector<Fact>& facts);

/// Position of a footprint: its centre of gravity and its bounding box, as shares of the scene's side.
struct Extent {
  Point centre;
  Point low;
  Point high;
};
Region region_of(const Extent& extent);

}  // namespace ccexpert::synth

// Changes in a scene, counted and located from its geometry.
#pragma once

#include <array>
#include <vector>

#include "synth/scene.h"

namespace ccexpert::synth {

enum class Thing { kHouse, kLarge, kRoad, kParking, kPond, kPool, kPlayground, kCourt, kField, kTrees };
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

/// Previous cover of the ground (or, for a removal, the new one).
enum class Cover { kBareland, kDesert, kMeadow, kDryland, kLawn, kWoods, kField, kMixed };

/// All appeared or removed objects of one kind.
struct Fact {
  Thing thing = Thing::kHouse;
  Happening happening = Happening::kBuilt;
  int count = 0;
  double area = 0;  ///< share of the scene
  Region region = Region::kNowhere;
  Cover cover = Cover::kMixed;
  bool along_road = false;          ///< all of them are along one road that exists at the same date
  bool both_sides = false;          ///< of that road
  bool new_road = false;            ///< the road was built with them
  bool in_row = false;              ///< neighbours on one side of it
  bool in_place_of_houses = false;  ///< it replaces a removed house
  bool more = false;                ///< others of the kind exist at both dates
};

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

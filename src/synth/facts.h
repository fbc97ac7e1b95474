// What changed in a scene, counted and located from its geometry.
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

/// What the ground was (or, for what is removed, became).
enum class Cover { kBareland, kDesert, kMeadow, kDryland, kLawn, kWoods, kField, kMixed };

/// Everything of one kind that came, or went.
struct Fact {
  Thing thing = Thing::kHouse;
  Happening happening = Happening::kBuilt;
  int count = 0;
  double area = 0;  ///< share of the scene
  Region region = Region::kNowhere;
  Cover cover = Cover::kMixed;
  bool along_road = false;          ///< all of them stand along one road that is there when they are
  bool both_sides = false;          ///< of that road
  bool new_road = false;            ///< that road came with them
  bool in_row = false;              ///< neighbours on one side of it
  bool in_place_of_houses = false;  ///< a removed house stood where it is
  bool more = false;                ///< others of the kind stand there at both dates
};

/// The most salient first.
std::vector<Fact> facts_of(const Scene& scene);

/// Whether the first fact is one that a person would see and name.
bool worth_telling(const std::vector<Fact>& facts);

/// Where a footprint lies: its centre of gravity and the box around it, as shares of the scene's side.
struct Extent {
  Point centre;
  Point low;
  Point high;
};
Region region_of(const Extent& extent);

}  // namespace ccexpert::synth

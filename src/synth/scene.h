// A place at two dates: every object with the dates at which it stands there.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "synth/geometry.h"

namespace ccexpert::synth {

/// At which of the two dates something stands there.
using Dates = std::array<bool, 2>;
inline constexpr Dates kBoth{true, true};
inline constexpr Dates kOnlyAfter{false, true};
inline constexpr Dates kOnlyBefore{true, false};

enum class Ground : uint8_t { kBare, kDesert, kMeadow, kDryMeadow, kLawn, kWoodFloor, kField, kWorks };

/// Ground of another kind than what is around it; later ones lie on earlier ones.
struct Zone {
  Polygon outline;
  Ground ground = Ground::kBare;
  Dates dates = kBoth;
};

enum class Surface : uint8_t { kAsphalt, kDark, kConcrete };

struct Road {
  Polyline line;
  std::array<double, 2> width{};  ///< at each date
  Surface surface = Surface::kAsphalt;
  bool sidewalk = false;
  bool marked = false;
  double bulb = 0;    ///< radius of the turning circle at the end; 0: none
  double median = 0;  ///< width of the grass between the carriageways; 0: none
  Dates dates = kBoth;

  double half(int date) const { return width[static_cast<size_t>(date)] / 2; }
  double widest() const { return width[0] > width[1] ? width[0] : width[1]; }
};

enum class PatchKind : uint8_t { kDriveway, kPath, kParking, kPond, kPool, kPlayground, kCourt, kField };

/// Something flat with an outline; `frame` is the box it was laid out in.
struct Patch {
  PatchKind kind = PatchKind::kDriveway;
  Polygon outline;
  Box frame;
  uint32_t look = 0;  ///< chooses among looks of its kind
  Dates dates = kBoth;
};

enum class Roof : uint8_t { kHip, kGable, kFlat };

/// A part of a building under one roof; the ridge runs along the longer side.
struct Wing {
  Box box;
  double height = 0;  ///< of the walls, in pixels
};

struct Building {
  std::vector<Wing> wings;  ///< the main part first
  Box extent;               ///< around all wings
  Roof roof = Roof::kHip;
  bool large = false;  ///< a warehouse, a school, a shop; else a house
  uint32_t look = 0;
  int road = -1;     ///< index of the road it stands along, or -1
  int side = 0;      ///< of that road: 1 right, -1 left
  double along = 0;  ///< where on that road, in pixels
  Dates dates = kBoth;
};

struct Tree {
  Point at;
  double radius = 4;
  uint32_t look = 0;
  Dates dates = kBoth;
  bool yard = false;  ///< of a yard, planted or left standing: the lawn is laid around it
};

struct Car {
  Box box;
  uint32_t look = 0;
  Dates dates = kBoth;
};

struct Fence {
  Polyline line;
  Dates dates = kBoth;
};

struct Scene {
  int size = 256;
  double metre = 2;  ///< pixels a metre
  Ground ground = Ground::kMeadow;
  std::vector<Zone> covers;  ///< what open ground looks like on one day; no change, below all zones
  std::vector<Zone> zones;
  std::vector<Road> roads;
  std::vector<Patch> patches;
  std::vector<Building> buildings;
  std::vector<Tree> trees;
  std::vector<Tree> shrubs;  ///< come and go without being a change; in no map
  std::vector<Car> cars;
  std::vector<Fence> fences;
  uint64_t texture = 0;  ///< where the ground's textures start
};

inline bool stands(const Dates& dates, int date) {
  return dates[static_cast<size_t>(date)];
}

/// The topmost ground below a point at a date.
Ground ground_at(const Scene& scene, Point point, int date);

/// Whether nothing built of either date is within `margin` of the box.
bool is_free(const Scene& scene, const Box& box, double margin);

/// Makes both dates as `date` is.
void freeze(Scene& scene, int date);

/// Takes trees away from where something else stands, at each date. A tree that is gone stays gone unless it
/// is `planted` (stands at the second date alone). Shrubs go where anything is built at either date.
void clear_trees(Scene& scene);

/// A box around points with its sides along the axes.
Box bounding_box(const Polygon& points);

}  // namespace ccexpert::synth

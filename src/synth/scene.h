// Place at two dates: every object with the dates at which it exists.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "synth/geometry.h"

namespace ccexpert::synth {

/// True for each of the two dates at which an object exists.
using Dates = std::array<bool, 2>;
inline constexpr Dates kBoth{true, true};
inline constexpr Dates kOnlyAfter{false, true};
inline constexpr Dates kOnlyBefore{true, false};

/// Kind of region: it determines palettes, grounds, lots and flights.
enum class World : uint8_t {
  kVaried,  ///< suburbs of any country, in any light
  kTexas    ///< the hills and prairies about Austin, as in LEVIR-CC: an old bright date, a new dark one
};

enum class Ground : uint8_t { kBare, kDesert, kMeadow, kDryMeadow, kLawn, kWoodFloor, kField, kWorks };

/// Ground that differs from its surroundings; later zones cover earlier ones.
struct Zone {
  Polygon outline;
  Ground ground = Ground::kBare;
  Dates dates = kBoth;
  bool path = false;  ///< made by wheels to a house
};

enum class Surface : uint8_t { kAsphalt, kDark, kConcrete, kCaliche };

struct Road {
  Polyline line;
  std::array<double, 2> width{};  ///< at each date
  Surface surface = Surface::kAsphalt;
  bool sidewalk = false;
  bool marked = false;
  double bulb = 0;    ///< radius of the turning circle at the end; 0: none
  double median = 0;  ///< width of the grass between the carriageways; 0: none
  Dates dates = kBoth;
  int whole = -1;    ///< of a piece of a longer road: index of the piece that counts for all; else -1
  double start = 0;  ///< of a piece: place of its first point along that road, in pixels

  double half(int date) const { return width[static_cast<size_t>(date)] / 2; }
  double widest() const { return width[0] > width[1] ? width[0] : width[1]; }
};

enum class PatchKind : uint8_t { kDriveway, kPath, kParking, kPond, kPool, kPlayground, kCourt, kField };

/// Flat object with an outline; `frame` is the box of its layout.
struct Patch {
  PatchKind kind = PatchKind::kDriveway;
  Polygon outline;
  Box frame;
  uint32_t look = 0;  ///< selects a variant of its kind
  Dates dates = kBoth;
};

enum class Roof : uint8_t { kHip, kGable, kFlat };

/// Part of a building under one roof; the ridge runs along the longer side.
struct Wing {
  Box box;
  double height = 0;  ///< of the walls, in pixels
};

struct Building {
  std::vector<Wing> wings;  ///< the main part first
  Box extent;               ///< around all wings
  Roof roof = Roof::kHip;
  bool large = false;  ///< a warehouse, a school, a shop; else a house
  bool metal = false;  ///< roof of sheets, as of sheds and trailers; large buildings always have one
  uint32_t look = 0;
  int road = -1;     ///< index of the road along which it is, or -1
  int side = 0;      ///< of that road: 1 right, -1 left
  double along = 0;  ///< position along that road, in pixels
  Dates dates = kBoth;
};

struct Tree {
  Point at;
  double radius = 4;
  uint32_t look = 0;
  Dates dates = kBoth;
  bool yard = false;  ///< in a yard, planted or kept: the lawn goes around it
};

struct Car {
  Box box;
  uint32_t look = 0;
  Dates dates = kBoth;
};

struct Fence {
  Polyline line;
  Dates dates = kBoth;
  bool passing = false;  ///< seen on one day and not on another, even in an unchanged place
};

struct Scene {
  int size = 256;
  World world = World::kVaried;
  double metre = 2;  ///< pixels per metre
  Ground ground = Ground::kMeadow;
  std::vector<Zone> covers;  ///< covers of open ground on one day; not a change, below all zones
  std::vector<Zone> zones;
  std::vector<Road> roads;
  std::vector<Patch> patches;
  std::vector<Building> buildings;
  std::vector<Tree> trees;
  std::vector<Tree> shrubs;  ///< come and go, which is not a change; in no map
  std::vector<Car> cars;
  std::vector<Fence> fences;
  uint64_t texture = 0;  ///< offset of the ground's textures
  double crowns = 1;     ///< size of wild trees, as a factor
  double terraces = 0;   ///< strength of contour banks on open ground; 0: none
};

inline bool stands(const Dates& dates, int date) {
  return dates[static_cast<size_t>(date)];
}

/// Returns the topmost ground below a point at a date, without the covers of one day.
Ground laid_ground_at(const Scene& scene, Point point, int date);

/// Returns the same with the covers of that day.
Ground ground_at(const Scene& scene, Point point, int date);

/// True if nothing built at either date is within `margin` of the box.
bool is_free(const Scene& scene, const Box& box, double margin);

/// Makes both dates equal to `date`.
void freeze(Scene& scene, int date);

/// Removes trees where other objects are, at each date. A removed tree stays removed unless it is planted
/// (exists only at the second date). Removes shrubs where something is built at either date.
void clear_trees(Scene& scene);

/// Returns the axis-aligned bounding box of points.
Box bounding_box(const Polygon& points);

}  // namespace ccexpert::synth

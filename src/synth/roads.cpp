// Lines of roads and plans of streets.
#include <algorithm>
#include <numbers>

#include "synth/layout.h"

namespace ccexpert::synth {
namespace {

constexpr int kSteps = 40;

/// Returns points of a curve from -reach to reach; `bend` gives its distance from the straight line at each
/// of them.
template <class Bend>
Polyline curve(Point through, Point along, double reach, const Bend& bend) {
  Polyline line;
  for (int i = 0; i <= kSteps; ++i) {
    const double at = reach * (2.0 * i / kSteps - 1);
    line.push_back(through + along * at + turned(along) * bend(at));
  }
  return line;
}

double any_angle(Random& random) {
  // Half of all towns follow the compass.
  const double turn = std::numbers::pi / 2 * random.below(4);
  return turn + (random.chance(0.4) ? 0.05 * random.bell() : random.uniform(0, std::numbers::pi / 2));
}

Point near_middle(Random& random, const Scene& scene) {
  const double size = scene.size;
  return {size * random.uniform(0.25, 0.75), size * random.uniform(0.25, 0.75)};
}

void pave_with_caliche(Random& random, const Scene& scene, Road& road) {
  road.surface = Surface::kCaliche;
  road.sidewalk = false;
  road.width.fill(random.uniform(3.5, 7) * scene.metre);
}

void match(Road& road, const Road& like) {
  road.surface = like.surface;
  road.sidewalk = like.sidewalk;
  road.width = like.width;
}

/// Start of a street on another one.
struct Branch {
  double share = 0.5;  ///< of the other one's length
  double side = 1;
  double dead_ends = 0.35;  ///< probability
};

Branch any_branch(Random& random) {
  const double share = random.uniform(0.42, 0.58);
  return {share, random.chance(0.5) ? 1.0 : -1.0};
}

/// Returns a street that begins on another, at a right angle.
Road side_street(Random& random, const Scene& scene, const Road& main, const Branch& branch) {
  const double length = line_length(main.line);
  const Station start = station(main.line, length * branch.share);
  const Point away = turned(start.along) * branch.side;
  const double reach =
      random.chance(branch.dead_ends) ? scene.size * random.uniform(0.3, 0.5) : 2.0 * scene.size;
  const double bend = random.uniform(-0.0012, 0.0012);
  Polyline line;
  for (int i = 0; i <= kSteps; ++i) {
    const double at = reach * i / kSteps;
    line.push_back(start.at + away * at + turned(away) * (bend * at * at));
  }
  Road road = street(random, scene, std::move(line), main.dates);
  match(road, main);
  if (reach < scene.size) road.bulb = random.uniform(7, 10) * scene.metre;
  return road;
}

/// Returns a street beside another, on its right for a `side` of 1 and on its left for -1.
Road parallel_street(Random& random, const Scene& scene, const Road& main, double side) {
  Road road = main;
  road.line = moved_aside(main.line, side * scene.metre * random.uniform(62, 82));
  return road;
}

void add_parallel_streets(Random& random, const Scene& scene, std::vector<Road>& roads) {
  const double side = random.chance(0.5) ? 1 : -1;
  roads.push_back(parallel_street(random, scene, roads.front(), side));
  // Narrow lots come in blocks, back to back, over the whole frame.
  if (scene.world == World::kTexas && random.chance(0.6))
    roads.push_back(parallel_street(random, scene, roads.front(), -side));
}

}  // namespace

Polyline road_line(Random& random, const Scene& scene, RoadShape shape, Point through, double angle) {
  const double reach = 1.2 * scene.size;
  const double bow = random.uniform(0.0009, 0.0028) * 256 / scene.size * (random.chance(0.5) ? 1.0 : -1.0);
  const double wave = random.uniform(8, 30) * scene.metre / 2;
  const double phase = random.uniform(0, 6.28);
  const double slope = 2 * std::numbers::pi / (random.uniform(0.9, 1.8) * scene.size);
  auto line = curve(through, direction(angle), reach, [&](double at) {
    if (shape == RoadShape::kArc) return std::clamp(bow * at * at, -2.0 * reach, 2.0 * reach);
    if (shape == RoadShape::kWave) return wave * (std::sin(slope * at + phase) - std::sin(phase));
    return 0.0;
  });
  if (shape == RoadShape::kDeadEnd) line.resize(kSteps / 2 + 1);
  return line;
}

Road street(Random& random, const Scene& scene, Polyline line, Dates dates) {
  Road road;
  road.line = std::move(line);
  const double width = random.uniform(7.5, 10.5) * scene.metre;
  road.width = {width, width};
  road.surface =
      random.chance(0.75) ? Surface::kAsphalt : (random.chance(0.5) ? Surface::kConcrete : Surface::kDark);
  road.sidewalk = random.chance(0.65);
  road.dates = dates;
  if (scene.world == World::kTexas && random.chance(0.12)) pave_with_caliche(random, scene, road);
  return road;
}

std::vector<Road> street_plan(Random& random, const Scene& scene, Dates dates) {
  const bool texas = scene.world == World::kTexas;
  const int plan =
      texas ? random.weighted({0.28, 0.27, 0.28, 0.17}) : random.weighted({0.4, 0.25, 0.2, 0.15});
  const std::array shapes{RoadShape::kStraight, RoadShape::kArc, RoadShape::kWave};
  const RoadShape shape = plan == 3 ? RoadShape::kDeadEnd : random.pick(shapes);
  const Point through = near_middle(random, scene);
  std::vector<Road> roads{
      street(random, scene, road_line(random, scene, shape, through, any_angle(random)), dates)};
  if (plan == 1) roads.push_back(side_street(random, scene, roads.front(), any_branch(random)));
  if (plan == 2) add_parallel_streets(random, scene, roads);
  if (plan == 3) roads.front().bulb = random.uniform(8, 12) * scene.metre;
  return roads;
}

std::vector<Road> estate_plan(Random& random, const Scene& scene, Dates dates) {
  const auto shape = random.chance(0.6) ? RoadShape::kStraight : RoadShape::kArc;
  const Point through = near_middle(random, scene);
  std::vector<Road> roads{
      street(random, scene, road_line(random, scene, shape, through, any_angle(random)), dates)};
  // The main line is 2.4 times as long as the scene, with the scene in its middle.
  const double length = line_length(roads.front().line);
  const double step = random.uniform(58, 76) * scene.metre / length;
  double share = 0.5 - random.uniform(0.6, 1.6) * step;
  double side = random.chance(0.5) ? 1 : -1;
  const bool alternate = random.chance(0.5);
  const double dead_ends = random.chance(0.5) ? 0.8 : 0.2;
  // Streets of both sides begin at one place, a crossroad, or some houses apart.
  const double apart = random.chance(0.4) ? 0 : 0.3 * step;
  for (int i = random.between(2, 4); i > 0; --i) {
    roads.push_back(side_street(random, scene, roads.front(), {share, side, dead_ends}));
    if (alternate) side = -side;
    share += alternate && side > 0 ? step : (alternate ? apart : step);
  }
  return roads;
}

}  // namespace ccexpert::synth

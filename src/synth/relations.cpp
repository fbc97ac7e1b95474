#include "synth/relations.h"

#include <algorithm>
#include <map>

namespace ccexpert::synth {
namespace {

using Buildings = std::vector<const Building*>;

constexpr double kNearMetres = 15;

/// Places of houses along each side of each road.
using Sides = std::map<std::pair<int, int>, std::vector<double>>;

Sides sides_of(const Buildings& houses) {
  Sides sides;
  for (const auto* house : houses) sides[{house->road, house->side}].push_back(house->along);
  for (auto& [side, places] : sides) std::sort(places.begin(), places.end());
  return sides;
}

/// Returns the number of rows of three or more neighbours, or 0 if more than a sixth of the houses is in
/// none.
int rows_of(const Sides& sides, double reach) {
  size_t rows = 0;
  size_t houses = 0;
  size_t alone = 0;
  for (const auto& [side, places] : sides) {
    size_t from = 0;
    for (size_t i = 1; i <= places.size(); ++i) {
      if (i < places.size() && places[i] - places[i - 1] < reach) continue;
      houses += i - from;
      (i - from < 3 ? alone : rows) += i - from < 3 ? i - from : 1;
      from = i;
    }
  }
  return alone * 6 > houses ? 0 : static_cast<int>(rows);
}

/// True if each road has houses on both of its sides.
bool on_both_sides(const Sides& sides) {
  return std::all_of(sides.begin(), sides.end(), [&](const auto& side) {
    const auto other = sides.find({side.first.first, -side.first.second});
    return other != sides.end();
  });
}

/// True if houses that are there at both dates are next to the house on both of its sides.
bool is_between(const Scene& scene, const Building& house) {
  const double reach = 2.2 * house.extent.width;
  const auto has = [&](double sign) {
    return std::any_of(scene.buildings.begin(), scene.buildings.end(), [&](const Building& other) {
      const double ahead = sign * (other.along - house.along);
      return other.dates == kBoth && other.road == house.road && other.side == house.side && ahead > 0 &&
             ahead < reach && visible_share(other.extent, scene.size) > 0.5;
    });
  };
  return has(1) && has(-1);
}

void relate_to_streets(const Scene& scene, const Buildings& houses, int date, Fact& fact) {
  const auto road_of = [&](const Building* house) -> const Road& {
    return scene.roads[static_cast<size_t>(house->road)];
  };
  if (!std::all_of(houses.begin(), houses.end(),
                   [&](const auto* house) { return stands(road_of(house).dates, date); }))
    return;
  const auto sides = sides_of(houses);
  const bool one = std::all_of(houses.begin(), houses.end(),
                               [&](const auto* house) { return house->road == houses.front()->road; });
  fact.roadside = one ? Roadside::kAlong : Roadside::kAlongSeveral;
  fact.new_road = std::all_of(houses.begin(), houses.end(),
                              [&](const auto* house) { return road_of(house).dates != kBoth; });
  fact.both_sides = on_both_sides(sides);
  fact.between = houses.size() == 1 && is_between(scene, *houses.front());
  fact.one_side = sides.size() == 1 && houses.size() > 1;
  fact.rows = rows_of(sides, 2.2 * houses.front()->extent.width);
}

double gap(const Road& road, const Box& box) {
  return distance(road.line, box) - road.widest() / 2;
}

bool is_in(const Scene& scene, Point point) {
  return point.x >= 0 && point.y >= 0 && point.x < scene.size && point.y < scene.size;
}

/// Returns the largest distance of the visible part of a line from its chord, as a share of the chord.
double bend_of(const Scene& scene, const Polyline& line) {
  std::vector<Point> inside;
  for (const double at : marks(0, line_length(line), 6)) {
    const Point point = station(line, at).at;
    if (is_in(scene, point)) inside.push_back(point);
  }
  if (inside.size() < 4) return 0;
  const Point chord = inside.back() - inside.front();
  const Point across = turned(unit(chord));
  double most = 0;
  for (const Point point : inside) most = std::max(most, std::abs(dot(point - inside.front(), across)));
  return most / std::max(length(chord), 1.0);
}

bool are_parallel(const std::vector<const Road*>& roads) {
  const auto along = [](const Road& road) { return station(road.line, line_length(road.line) / 2).along; };
  const Point first = along(*roads.front());
  return std::all_of(roads.begin(), roads.end(),
                     [&](const Road* road) { return std::abs(dot(along(*road), first)) > 0.96; });
}

/// True if `branch` begins on `main`, inside the frame.
bool joins(const Scene& scene, const Road& branch, const Road& main) {
  const Point start = branch.line.front();
  return is_in(scene, start) && distance(main.line, start) < main.widest() / 2 + 1;
}

}  // namespace

bool near_roads(const Scene& scene, const std::vector<Box>& boxes, int date) {
  return std::all_of(boxes.begin(), boxes.end(), [&](const Box& box) {
    return std::any_of(scene.roads.begin(), scene.roads.end(), [&](const Road& road) {
      return stands(road.dates, date) && gap(road, box) < kNearMetres * scene.metre;
    });
  });
}

void relate_buildings(const Scene& scene, const std::vector<const Building*>& buildings, int date,
                      Fact& fact) {
  if (std::all_of(buildings.begin(), buildings.end(), [](const auto* each) { return each->road >= 0; })) {
    relate_to_streets(scene, buildings, date, fact);
    if (fact.roadside != Roadside::kNone) return;
  }
  std::vector<Box> boxes;
  for (const auto* building : buildings) boxes.push_back(building->extent);
  if (near_roads(scene, boxes, date)) fact.roadside = Roadside::kNear;
}

RoadForm form_of(const Scene& scene, const std::vector<const Road*>& roads) {
  if (roads.size() == 1) {
    const double bend = bend_of(scene, roads.front()->line);
    if (bend < 0.02) return RoadForm::kStraight;
    return bend > 0.1 ? RoadForm::kWinding : RoadForm::kAny;
  }
  int joints = 0;
  for (const auto* branch : roads) {
    for (const auto* main : roads) joints += branch != main && joins(scene, *branch, *main) ? 1 : 0;
  }
  if (joints == 0) return are_parallel(roads) ? RoadForm::kParallel : RoadForm::kAny;
  return joints == 1 && roads.size() == 2 ? RoadForm::kTee : RoadForm::kCrossing;
}

bool extends(const Scene& scene, const std::vector<const Road*>& roads) {
  if (roads.size() != 1) return false;
  const Point start = roads.front()->line.front();
  return is_in(scene, start) && std::any_of(scene.roads.begin(), scene.roads.end(), [&](const Road& road) {
           return road.dates == kBoth && length(road.line.back() - start) < 2;
         });
}

}  // namespace ccexpert::synth

#include "synth/facts.h"

#include <algorithm>
#include <map>

namespace ccexpert::synth {
namespace {

/// Sampled points of a change, inside the frame.
struct Footprint {
  std::vector<Point> points;
  double area = 0;  ///< pixels

  void add(const Scene& scene, Point point, double weight) {
    if (point.x < 0 || point.y < 0 || point.x >= scene.size || point.y >= scene.size) return;
    points.push_back(point);
    area += weight;
  }
};

void sample(const Scene& scene, const Box& box, Footprint& footprint) {
  constexpr int kSteps = 10;
  const double weight = box.width * box.depth / (kSteps * kSteps);
  for (int i = 0; i < kSteps * kSteps; ++i) {
    const int column = i % kSteps;
    const int row = i / kSteps;
    footprint.add(
        scene, box.at(((column + 0.5) / kSteps - 0.5) * box.width, ((row + 0.5) / kSteps - 0.5) * box.depth),
        weight);
  }
}

void sample(const Scene& scene, const Road& road, Footprint& footprint) {
  const double step = 3;
  for (const double at : marks(0, line_length(road.line), step)) {
    const Station here = station(road.line, at);
    for (const double share : {-0.8, -0.4, 0.0, 0.4, 0.8})
      footprint.add(scene, here.at + turned(here.along) * (share * road.widest() / 2),
                    step * road.widest() / 5);
  }
}

Extent extent_of(const Scene& scene, const Footprint& footprint) {
  Extent extent{{0, 0}, {1, 1}, {0, 0}};
  for (const Point point : footprint.points) {
    const Point at = point * (1.0 / scene.size);
    extent.centre = extent.centre + at * (1.0 / static_cast<double>(footprint.points.size()));
    extent.low = {std::min(extent.low.x, at.x), std::min(extent.low.y, at.y)};
    extent.high = {std::max(extent.high.x, at.x), std::max(extent.high.y, at.y)};
  }
  return extent;
}

Cover cover_of(Ground ground) {
  switch (ground) {
    case Ground::kBare:
    case Ground::kWorks:
      return Cover::kBareland;
    case Ground::kDesert:
      return Cover::kDesert;
    case Ground::kMeadow:
      return Cover::kMeadow;
    case Ground::kDryMeadow:
      return Cover::kDryland;
    case Ground::kLawn:
      return Cover::kLawn;
    case Ground::kField:
      return Cover::kField;
    default:
      return Cover::kWoods;
  }
}

Cover cover_of(const Scene& scene, const Footprint& footprint, int date) {
  std::map<Cover, size_t> votes;
  // About sixty points are enough for a vote of six to four.
  const size_t step = footprint.points.size() / 64 + 1;
  size_t voters = 0;
  for (size_t i = step / 2; i < footprint.points.size(); i += step, ++voters) {
    const Point point = footprint.points[i];
    const bool wooded = std::any_of(scene.trees.begin(), scene.trees.end(), [&](const Tree& tree) {
      return stands(tree.dates, date) && length(tree.at - point) < tree.radius;
    });
    ++votes[wooded ? Cover::kWoods : cover_of(ground_at(scene, point, date))];
  }
  for (const auto& [cover, count] : votes) {
    if (count * 10 >= voters * 6) return cover;
  }
  return Cover::kMixed;
}

Dates dates_of(Happening happening) {
  return happening == Happening::kBuilt ? kOnlyAfter : kOnlyBefore;
}

/// Sets how the changed houses lie relative to roads and to each other.
void relate_to_roads(const Scene& scene, const std::vector<const Building*>& houses, int date, Fact& fact) {
  const int road = houses.front()->road;
  const auto same_road = [&](const Building* each) { return each->road == road; };
  const auto& found = scene.roads[static_cast<size_t>(road)];
  if (!std::all_of(houses.begin(), houses.end(), same_road) || !stands(found.dates, date)) return;
  fact.along_road = true;
  fact.new_road = found.dates != kBoth;
  const auto right =
      std::count_if(houses.begin(), houses.end(), [](const Building* each) { return each->side > 0; });
  const auto left = static_cast<std::ptrdiff_t>(houses.size()) - right;
  fact.both_sides = std::min(left, right) >= 2;
  if (std::min(left, right) > 0 || houses.size() < 3) return;
  std::vector<double> places;
  for (const auto* house : houses) places.push_back(house->along);
  std::sort(places.begin(), places.end());
  fact.in_row = true;
  for (size_t i = 1; i < places.size(); ++i)
    fact.in_row = fact.in_row && places[i] - places[i - 1] < 1.9 * houses.front()->extent.width;
}

/// True if a removed house was inside the box.
bool replaces_house(const Scene& scene, const Box& box) {
  return std::any_of(scene.buildings.begin(), scene.buildings.end(), [&](const Building& each) {
    return !each.large && each.dates == kOnlyBefore && overlap(each.extent, box);
  });
}

void finish(const Scene& scene, const Footprint& footprint, Fact& fact) {
  const double pixels = static_cast<double>(scene.size) * scene.size;
  fact.area = footprint.area / pixels;
  fact.region = region_of(extent_of(scene, footprint));
  fact.cover = cover_of(scene, footprint, fact.happening == Happening::kRemoved ? 1 : 0);
}

void add_buildings(const Scene& scene, bool large, Happening happening, std::vector<Fact>& facts) {
  Fact fact{.thing = large ? Thing::kLarge : Thing::kHouse, .happening = happening};
  Footprint footprint;
  std::vector<const Building*> found;
  int others = 0;
  for (const auto& building : scene.buildings) {
    if (building.large != large || visible_share(building.extent, scene.size) < 0.3) continue;
    others += building.dates == kBoth ? 1 : 0;
    if (building.dates != dates_of(happening)) continue;
    found.push_back(&building);
    fact.in_place_of_houses |=
        large && happening == Happening::kBuilt && replaces_house(scene, building.extent);
    sample(scene, building.extent, footprint);
  }
  if (found.empty()) return;
  fact.count = static_cast<int>(found.size());
  fact.more = others > 1;
  if (!large) relate_to_roads(scene, found, happening == Happening::kBuilt ? 1 : 0, fact);
  finish(scene, footprint, fact);
  facts.push_back(fact);
}

void add_roads(const Scene& scene, std::vector<Fact>& facts) {
  for (const auto happening : {Happening::kBuilt, Happening::kRemoved, Happening::kWidened}) {
    Fact fact{.thing = Thing::kRoad, .happening = happening};
    Footprint footprint;
    for (const auto& road : scene.roads) {
      const bool widened = road.dates == kBoth && road.width[1] > road.width[0];
      if (happening == Happening::kWidened ? !widened : road.dates != dates_of(happening)) continue;
      const double before = footprint.area;
      sample(scene, road, footprint);
      fact.count += footprint.area > before ? 1 : 0;
    }
    if (fact.count == 0) continue;
    finish(scene, footprint, fact);
    facts.push_back(fact);
  }
}

Thing thing_of(PatchKind kind) {
  constexpr std::array kThings{Thing::kParking,    Thing::kPond,  Thing::kPool,
                               Thing::kPlayground, Thing::kCourt, Thing::kField};
  return kThings[static_cast<size_t>(kind) - static_cast<size_t>(PatchKind::kParking)];
}

void add_patches(const Scene& scene, PatchKind kind, Happening happening, std::vector<Fact>& facts) {
  Fact fact{.thing = thing_of(kind), .happening = happening};
  Footprint footprint;
  for (const auto& patch : scene.patches) {
    if (patch.kind != kind || patch.dates != dates_of(happening) ||
        visible_share(patch.frame, scene.size) < 0.3)
      continue;
    ++fact.count;
    fact.in_place_of_houses |= happening == Happening::kBuilt && replaces_house(scene, patch.frame);
    sample(scene, patch.frame, footprint);
  }
  if (fact.count == 0) return;
  finish(scene, footprint, fact);
  facts.push_back(fact);
}

void add_trees(const Scene& scene, Happening happening, std::vector<Fact>& facts) {
  Fact fact{.thing = Thing::kTrees, .happening = happening};
  Footprint footprint;
  for (const auto& tree : scene.trees) {
    if (tree.dates != dates_of(happening)) continue;
    const size_t before = footprint.points.size();
    footprint.add(scene, tree.at, 2.6 * tree.radius * tree.radius);
    fact.count += footprint.points.size() > before ? 1 : 0;
  }
  if (fact.count < 6) return;
  finish(scene, footprint, fact);
  if (fact.area > 0.025) facts.push_back(fact);
}

/// Returns how salient a share of the scene is to a person.
double salience(const Fact& fact) {
  switch (fact.thing) {
    case Thing::kHouse:
    case Thing::kLarge:
      return 4 * fact.area;
    case Thing::kTrees:
      return 0.45 * fact.area;
    case Thing::kRoad:
      return 1.2 * fact.area;
    default:
      return 2 * fact.area;
  }
}

}  // namespace

Region region_of(const Extent& extent) {
  const auto third = [](double centre, double low, double high) {
    if (high < 0.57 && centre < 0.4) return 0;
    if (low > 0.43 && centre > 0.6) return 2;
    return low > 0.15 && high < 0.85 && std::abs(centre - 0.5) < 0.14 ? 1 : 3;
  };
  const int column = third(extent.centre.x, extent.low.x, extent.high.x);
  const int row = third(extent.centre.y, extent.low.y, extent.high.y);
  using enum Region;
  constexpr std::array<std::array<Region, 4>, 4> kRegions{{{kTopLeft, kTop, kTopRight, kTop},
                                                           {kLeft, kMiddle, kRight, kNowhere},
                                                           {kBottomLeft, kBottom, kBottomRight, kBottom},
                                                           {kLeft, kNowhere, kRight, kNowhere}}};
  return kRegions[static_cast<size_t>(row)][static_cast<size_t>(column)];
}

std::vector<Fact> facts_of(const Scene& scene) {
  std::vector<Fact> facts;
  for (const auto happening : {Happening::kBuilt, Happening::kRemoved}) {
    add_buildings(scene, false, happening, facts);
    add_buildings(scene, true, happening, facts);
    add_trees(scene, happening, facts);
    for (int kind = static_cast<int>(PatchKind::kParking); kind <= static_cast<int>(PatchKind::kField);
         ++kind)
      add_patches(scene, static_cast<PatchKind>(kind), happening, facts);
  }
  add_roads(scene, facts);
  std::stable_sort(facts.begin(), facts.end(),
                   [](const Fact& a, const Fact& b) { return salience(a) > salience(b); });
  return facts;
}

bool worth_telling(const std::vector<Fact>& facts) {
  // Half a percent of a scene of 128 m is a garage of 9 m x 9 m; annotators seldom name smaller changes.
  return !facts.empty() && facts.front().area > 0.005;
}

}  // namespace ccexpert::synth

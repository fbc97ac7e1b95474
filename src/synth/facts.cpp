#include "synth/facts.h"

#include <algorithm>

#include "synth/classes.h"
#include "synth/former_cover.h"
#include "synth/relations.h"

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

/// Paths of fewer pixels in the frame do not count.
constexpr double kLeastPath = 150;

/// True if a map shows other ground at each date, and no building hides it.
bool changes_class(const Scene& scene, Point point) {
  return class_of(laid_ground_at(scene, point, 0)) != class_of(laid_ground_at(scene, point, 1)) &&
         !is_built_over(scene, point, 0) && !is_built_over(scene, point, 1);
}

/// Adds the points of a zone where the ground changes its class.
void sample_zone(const Scene& scene, const Zone& zone, Footprint& footprint) {
  constexpr double kStep = 3;
  const Box box = bounding_box(zone.outline);
  for (const double x :
       marks(std::max(0.0, box.centre.x - box.width / 2), box.centre.x + box.width / 2, kStep)) {
    for (const double y :
         marks(std::max(0.0, box.centre.y - box.depth / 2), box.centre.y + box.depth / 2, kStep)) {
      if (x >= scene.size || y >= scene.size) break;
      if (contains(zone.outline, {x, y}) && changes_class(scene, {x, y}))
        footprint.add(scene, {x, y}, kStep * kStep);
    }
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

Dates dates_of(Happening happening) {
  return happening == Happening::kBuilt ? kOnlyAfter : kOnlyBefore;
}

/// True if a removed house was inside the box.
bool replaces_house(const Scene& scene, const Box& box) {
  return std::any_of(scene.buildings.begin(), scene.buildings.end(), [&](const Building& each) {
    return !each.large && each.dates == kOnlyBefore && overlap(each.extent, box);
  });
}

bool is_at_edge(const Extent& extent) {
  constexpr double kLargest = 0.35;
  constexpr double kMargin = 0.03;
  const Point size = extent.high - extent.low;
  const bool touches = extent.low.x < kMargin || extent.low.y < kMargin || extent.high.x > 1 - kMargin ||
                       extent.high.y > 1 - kMargin;
  return touches && size.x < kLargest && size.y < kLargest;
}

void finish(const Scene& scene, const Footprint& footprint, Fact& fact) {
  const double pixels = static_cast<double>(scene.size) * scene.size;
  fact.area = footprint.area / pixels;
  const auto extent = extent_of(scene, footprint);
  fact.region = region_of(extent);
  fact.at_edge = is_at_edge(extent);
  if (fact.happening == Happening::kBuilt) fact.cover = former_cover(scene, footprint.points);
}

/// True if a building of the kind is in the frame.
bool counts(const Scene& scene, const Building& building, bool large) {
  return building.large == large && visible_share(building.extent, scene.size) >= 0.3;
}

bool has_new_parking(const Scene& scene, const Box& near) {
  const Box reach = near.grown(kNearMetres * scene.metre);
  return std::any_of(scene.patches.begin(), scene.patches.end(), [&](const Patch& patch) {
    return patch.kind == PatchKind::kParking && patch.dates == kOnlyAfter && overlap(reach, patch.frame);
  });
}

void add_buildings(const Scene& scene, bool large, Happening happening, std::vector<Fact>& facts) {
  Fact fact{.thing = large ? Thing::kLarge : Thing::kHouse, .happening = happening, .rebuilt = !large};
  Footprint footprint;
  std::vector<const Building*> found;
  std::vector<const Building*> others;
  double total = 0;
  const bool built = happening == Happening::kBuilt;
  for (const auto& building : scene.buildings) {
    if (!counts(scene, building, large)) continue;
    if (building.dates == kBoth) others.push_back(&building);
    if (building.dates != dates_of(happening)) continue;
    found.push_back(&building);
    const bool replaces = built && replaces_house(scene, building.extent);
    fact.in_place_of_houses |= large && replaces;
    fact.rebuilt = fact.rebuilt && replaces;
    fact.with_parking |= built && has_new_parking(scene, building.extent);
    total += building.extent.width * building.extent.depth;
    sample(scene, building.extent, footprint);
  }
  if (found.empty()) return;
  fact.count = static_cast<int>(found.size());
  fact.square_metres = total / fact.count / (scene.metre * scene.metre);
  fact.more = others.size() > 1;
  fact.among_houses = !large && are_among(scene, found, others);
  relate_buildings(scene, found, built ? 1 : 0, fact);
  finish(scene, footprint, fact);
  facts.push_back(fact);
}

void add_roads(const Scene& scene, std::vector<Fact>& facts) {
  for (const auto happening : {Happening::kBuilt, Happening::kRemoved, Happening::kWidened}) {
    Fact fact{.thing = Thing::kRoad, .happening = happening};
    Footprint footprint;
    std::vector<const Road*> found;
    for (const auto& road : scene.roads) {
      const bool widened = road.dates == kBoth && road.width[1] > road.width[0];
      if (happening == Happening::kWidened ? !widened : road.dates != dates_of(happening)) continue;
      if (!is_seen(scene, road)) continue;
      sample(scene, road, footprint);
      found.push_back(&road);
    }
    if (found.empty()) continue;
    fact.count = static_cast<int>(found.size());
    fact.form = form_of(scene, found);
    fact.extends = happening == Happening::kBuilt && extends(scene, found);
    fact.concrete = std::all_of(found.begin(), found.end(),
                                [](const Road* road) { return road->surface == Surface::kConcrete; });
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
  std::vector<Box> found;
  for (const auto& patch : scene.patches) {
    if (patch.kind != kind || patch.dates != dates_of(happening) ||
        visible_share(patch.frame, scene.size) < 0.3)
      continue;
    found.push_back(patch.frame);
    fact.in_place_of_houses |= happening == Happening::kBuilt && replaces_house(scene, patch.frame);
    sample(scene, patch.frame, footprint);
  }
  if (found.empty()) return;
  fact.count = static_cast<int>(found.size());
  if (near_roads(scene, found, happening == Happening::kBuilt ? 1 : 0)) fact.roadside = Roadside::kNear;
  finish(scene, footprint, fact);
  facts.push_back(fact);
}

void add_paths(const Scene& scene, Happening happening, std::vector<Fact>& facts) {
  Fact fact{.thing = Thing::kPath, .happening = happening};
  Footprint footprint;
  for (const auto& zone : scene.zones) {
    if (!zone.path || zone.dates != dates_of(happening)) continue;
    const double before = footprint.area;
    sample_zone(scene, zone, footprint);
    fact.count += footprint.area > before + kLeastPath ? 1 : 0;
  }
  if (fact.count == 0) return;
  finish(scene, footprint, fact);
  facts.push_back(fact);
}

void add_trees(const Scene& scene, Happening happening, std::vector<Fact>& facts) {
  Fact fact{.thing = Thing::kTrees, .happening = happening};
  Footprint footprint;
  Footprint all;
  for (const auto& tree : scene.trees) {
    const double area = 2.6 * tree.radius * tree.radius;
    if (stands(tree.dates, happening == Happening::kBuilt ? 1 : 0)) all.add(scene, tree.at, area);
    if (tree.dates != dates_of(happening)) continue;
    const size_t before = footprint.points.size();
    footprint.add(scene, tree.at, area);
    fact.count += footprint.points.size() > before ? 1 : 0;
  }
  if (fact.count < 6) return;
  finish(scene, footprint, fact);
  fact.share = footprint.area / all.area;
  if (fact.area > 0.025) facts.push_back(fact);
}

/// Returns how salient a share of the scene is to a person.
double salience(const Fact& fact) {
  switch (fact.thing) {
    case Thing::kHouse:
    case Thing::kLarge:
      return 4 * fact.area;
    case Thing::kPath:
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
    add_paths(scene, happening, facts);
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

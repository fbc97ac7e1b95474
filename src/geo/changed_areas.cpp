#include "geo/changed_areas.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include <ogr_geometry.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/polygons.h>

#include "geo/gdal_use.h"
#include "geo/geometry.h"
#include "geo/heatmap.h"

namespace ccexpert::geo {
namespace {

/// Values of a tile along its longer side, from which outlines are drawn.
constexpr int64_t kMostCells = 1024;
/// In pixels. More would cut the corners of small areas: it took a tenth of a square of 16 x 32 pixels.
constexpr double kTolerance = 0.5;

/// Sets the cells outside of a tile's own part to outside.
void keep_own(image::CellMask& mask, const TilePart& part) {
  const double scale_x = static_cast<double>(part.window.width) / static_cast<double>(mask.width);
  const double scale_y = static_cast<double>(part.window.height) / static_cast<double>(mask.height);
  const auto within = [](double at, int64_t start, int64_t length) {
    return at >= static_cast<double>(start) && at < static_cast<double>(start + length);
  };
  for (int64_t y = 0; y < mask.height; ++y) {
    const double row = static_cast<double>(part.window.y) + (static_cast<double>(y) + 0.5) * scale_y;
    for (int64_t x = 0; x < mask.width; ++x) {
      const double column = static_cast<double>(part.window.x) + (static_cast<double>(x) + 0.5) * scale_x;
      if (!within(row, part.own.y, part.own.height) || !within(column, part.own.x, part.own.width))
        mask.inside[static_cast<size_t>(y * mask.width + x)] = 0;
    }
  }
}

/// Returns a ring in pixels of the scene, closed.
Ring placed(const image::Ring& ring, const Window& window, const Point& scale) {
  Ring result;
  for (const auto& point : ring) {
    result.push_back({static_cast<double>(window.x) + point.x * scale.x,
                      static_cast<double>(window.y) + point.y * scale.y});
  }
  result.push_back(result.front());
  return result;
}

image::Ring open_ring(const Ring& ring) {
  image::Ring result;
  for (size_t i = 0; i + 1 < ring.size(); ++i) result.push_back({ring[i].x, ring[i].y});
  return result;
}

Ring closed_ring(const image::Ring& ring) {
  return placed(ring, {}, {1.0, 1.0});
}

double area_of(const Polygon& polygon) {
  return to_ogr(polygon).get_Area();
}

/// Sets of areas that belong together.
class Groups {
 public:
  explicit Groups(size_t count) : of_(count) { std::iota(of_.begin(), of_.end(), size_t{0}); }

  size_t of(size_t index) {
    while (of_[index] != index) index = of_[index] = of_[of_[index]];
    return index;
  }
  void join(size_t a, size_t b) { of_[std::max(of(a), of(b))] = std::min(of(a), of(b)); }

 private:
  std::vector<size_t> of_;
};

bool touch_along_a_line(const OGRPolygon& a, const OGRPolygon& b) {
  OGREnvelope first, second;
  a.getEnvelope(&first);
  b.getEnvelope(&second);
  if (first.Intersects(second) == 0) return false;
  const std::unique_ptr<OGRGeometry> shared(a.Intersection(&b));
  return shared && !shared->IsEmpty() && shared->getDimension() >= 1;
}

Groups groups_of(const std::vector<ChangedArea>& areas) {
  std::vector<OGRPolygon> shapes;
  std::vector<OGREnvelope> frames(areas.size());
  for (size_t i = 0; i < areas.size(); ++i) {
    shapes.push_back(to_ogr(areas[i].polygon));
    shapes.back().getEnvelope(&frames[i]);
  }
  // From left to right: only areas that begin before one ends can touch it.
  std::vector<size_t> order(areas.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return frames[i].MinX; });
  Groups groups(areas.size());
  std::vector<size_t> open;
  for (const size_t i : order) {
    std::erase_if(open, [&](size_t other) { return frames[other].MaxX < frames[i].MinX; });
    for (const size_t other : open) {
      if (areas[other].tile != areas[i].tile && touch_along_a_line(shapes[other], shapes[i]))
        groups.join(other, i);
    }
    open.push_back(i);
  }
  return groups;
}

ChangedArea united(const std::vector<const ChangedArea*>& parts) {
  OGRMultiPolygon all;
  std::set<int64_t> tiles;
  for (const auto* part : parts) {
    const auto shape = to_ogr(part->polygon);
    all.addGeometry(&shape);
    tiles.insert(part->tile);
  }
  const std::unique_ptr<OGRGeometry> whole(all.UnionCascaded());
  if (!whole) fail_gdal("--merge", "polygons cannot be joined", ErrorKind::kInternal);
  const auto largest =
      *std::ranges::max_element(parts, {}, [](const ChangedArea* part) { return area_of(part->polygon); });
  auto polygons = polygons_of(*whole);
  return {std::move(*std::ranges::max_element(polygons, {}, area_of)), largest->tile,
          static_cast<int64_t>(tiles.size())};
}

}  // namespace

std::vector<ChangedArea> changed_areas(const TilePart& part, const image::ChangeMap& map, double threshold) {
  auto mask = image::cells_from(values_in(part.window, map, kMostCells), threshold);
  keep_own(mask, part);
  const Point scale{static_cast<double>(part.window.width) / static_cast<double>(mask.width),
                    static_cast<double>(part.window.height) / static_cast<double>(mask.height)};
  std::vector<ChangedArea> areas;
  for (const auto& polygon : image::polygons_of(mask)) {
    ChangedArea area{.polygon = {placed(polygon.outline, part.window, scale)}, .tile = part.tile};
    for (const auto& hole : polygon.holes) area.polygon.push_back(placed(hole, part.window, scale));
    areas.push_back(std::move(area));
  }
  return areas;
}

std::vector<ChangedArea> joined(std::vector<ChangedArea> areas) {
  auto groups = groups_of(areas);
  std::vector<std::vector<const ChangedArea*>> parts(areas.size());
  for (size_t i = 0; i < areas.size(); ++i) parts[groups.of(i)].push_back(&areas[i]);
  std::vector<ChangedArea> result;
  for (const auto& group : parts) {
    if (group.size() == 1) result.push_back(*group.front());
    if (group.size() > 1) result.push_back(united(group));
  }
  return result;
}

void simplify(std::vector<ChangedArea>& areas) {
  for (auto& area : areas) {
    image::Polygon polygon{.outline = open_ring(area.polygon.front())};
    for (size_t i = 1; i < area.polygon.size(); ++i) polygon.holes.push_back(open_ring(area.polygon[i]));
    const auto simple = image::simplified({polygon}, kTolerance);
    area.polygon = {closed_ring(simple.front().outline)};
    for (const auto& hole : simple.front().holes) area.polygon.push_back(closed_ring(hole));
  }
}

}  // namespace ccexpert::geo

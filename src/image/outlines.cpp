#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/polygons.h>

#include "core/foreign_errors.h"
#include "image/rings.h"

namespace ccexpert::image {
namespace {

/// Directions of edges, in the order of their bits.
enum Direction : uint8_t { kRight, kUp, kLeft, kDown };

/// Corners of cells, [height+1,width+1]. Each edge between inside and outside is one step from its corner,
/// with the inside on its left.
class Edges {
 public:
  explicit Edges(const CellMask& mask)
      : width_(mask.width + 1), leaving_(static_cast<size_t>((mask.height + 1) * width_)) {
    const auto inside = [&](int64_t y, int64_t x) {
      const bool within = y >= 0 && x >= 0 && y < mask.height && x < mask.width;
      return within && mask.inside[static_cast<size_t>(y * mask.width + x)] != 0;
    };
    for (int64_t y = 0; y < mask.height; ++y) {
      for (int64_t x = 0; x < mask.width; ++x) {
        if (!inside(y, x)) continue;
        if (!inside(y - 1, x)) add(y, x + 1, kLeft);
        if (!inside(y, x - 1)) add(y, x, kDown);
        if (!inside(y + 1, x)) add(y + 1, x, kRight);
        if (!inside(y, x + 1)) add(y + 1, x + 1, kUp);
      }
    }
  }

  size_t corners() const { return leaving_.size(); }
  bool has_edge(size_t corner) const { return leaving_[corner] != 0; }

  /// Takes an edge that leaves the corner; returns the corner at its end.
  size_t take(size_t corner) {
    for (const auto direction : {kRight, kUp, kLeft, kDown}) {
      const auto bit = static_cast<uint8_t>(1U << direction);
      if ((leaving_[corner] & bit) == 0) continue;
      leaving_[corner] = static_cast<uint8_t>(leaving_[corner] & ~bit);
      return next(corner, direction);
    }
    return corner;
  }

  Point point(size_t corner) const {
    const auto width = static_cast<size_t>(width_);
    const size_t x = corner % width, y = corner / width;
    return {static_cast<double>(x), static_cast<double>(y)};
  }

 private:
  void add(int64_t y, int64_t x, Direction direction) {
    auto& bits = leaving_[static_cast<size_t>(y * width_ + x)];
    bits = static_cast<uint8_t>(bits | (1U << direction));
  }
  size_t next(size_t corner, Direction direction) const {
    const auto row = static_cast<size_t>(width_);
    switch (direction) {
      case kRight:
        return corner + 1;
      case kUp:
        return corner - row;
      case kLeft:
        return corner - 1;
      case kDown:
        break;
    }
    return corner + row;
  }

  int64_t width_;
  std::vector<uint8_t> leaving_;  // bits of directions
};

/// Follows all edges. A line that comes to one of its corners again ends a ring there: where areas or holes
/// touch at a corner, each ring visits it once.
class Walk {
 public:
  explicit Walk(const CellMask& mask) : edges_(mask), place_(edges_.corners(), kNone) {}

  std::vector<Ring> rings() && {
    for (size_t corner = 0; corner < edges_.corners(); ++corner) {
      while (edges_.has_edge(corner)) walk(corner);
    }
    return std::move(rings_);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  void walk(size_t start) {
    push(start);
    do {
      const size_t corner = edges_.take(path_.back());
      if (place_[corner] == kNone)
        push(corner);
      else
        end_ring(place_[corner]);
    } while (path_.size() > 1);
    place_[start] = kNone;
    path_.clear();
  }
  void push(size_t corner) {
    place_[corner] = path_.size();
    path_.push_back(corner);
  }
  void end_ring(size_t first) {
    Ring ring;
    for (size_t i = first; i < path_.size(); ++i) {
      ring.push_back(edges_.point(path_[i]));
      if (i > first) place_[path_[i]] = kNone;
    }
    path_.resize(first + 1);
    rings_.push_back(std::move(ring));
  }

  Edges edges_;
  std::vector<size_t> place_;  // of each corner in path_
  std::vector<size_t> path_;
  std::vector<Ring> rings_;
};

/// Returns the centre of the cell on the left of a ring's first edge.
Point cell_beside(const Ring& ring) {
  const auto& from = ring[0];
  const auto& to = ring[1];
  const double across = to.x - from.x, down = to.y - from.y;
  return {(from.x + to.x) / 2.0 + down / 2.0, (from.y + to.y) / 2.0 - across / 2.0};
}

/// Outline with its area and the cells that it spans.
struct Outline {
  Ring ring;
  double area;
  Box box;
};

/// Returns the index of the smallest outline around a point.
size_t outline_around(const std::vector<Outline>& outlines, const Point& point) {
  size_t best = outlines.size();
  for (size_t i = 0; i < outlines.size(); ++i) {
    const auto& [ring, area, box] = outlines[i];
    if (best < outlines.size() && area >= outlines[best].area) continue;
    if (box.has(point) && is_within(point, ring)) best = i;
  }
  return best;
}

}  // namespace

std::vector<Polygon> polygons_of(const CellMask& mask) try {
  if (mask.height < 0 || mask.width < 0 || std::ssize(mask.inside) != mask.height * mask.width) {
    fail_expected(
        {"mask", fmt::format("{} x {} cells", mask.width, mask.height), std::to_string(mask.inside.size())});
  }
  std::vector<Outline> outlines;
  std::vector<Ring> holes;
  for (auto& ring : Walk(mask).rings()) {
    if (const double size = signed_area(ring); size > 0.0)
      outlines.push_back({ring, size, box_of(ring)});
    else
      holes.push_back(std::move(ring));
  }
  std::vector<Polygon> polygons(outlines.size());
  for (const auto& hole : holes)
    polygons.at(outline_around(outlines, cell_beside(hole))).holes.push_back(without_straight(hole));
  for (size_t i = 0; i < outlines.size(); ++i) polygons[i].outline = without_straight(outlines[i].ring);
  return polygons;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::image

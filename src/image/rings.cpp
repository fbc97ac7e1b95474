#include "image/rings.h"

#include <algorithm>
#include <cmath>

namespace ccexpert::image {
namespace {

/// Twice the signed area of the triangle: positive if `c` is on one side of the line from a to b.
double side(const Point& a, const Point& b, const Point& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/// Line between two corners of a ring.
struct Line {
  Point from, to;
  double left() const { return std::min(from.x, to.x); }
  double right() const { return std::max(from.x, to.x); }
  bool spans(const Point& point) const {
    return point.x >= left() && point.x <= right() && point.y >= std::min(from.y, to.y) &&
           point.y <= std::max(from.y, to.y);
  }
  bool ends_at(const Point& point) const { return point == from || point == to; }
};

/// True if the point is on the line and not at an end.
bool is_inside(const Point& point, const Line& line) {
  return !line.ends_at(point) && line.spans(point) && side(line.from, line.to, point) == 0.0;
}

bool are_opposite(double first, double second) {
  return (first > 0.0 && second < 0.0) || (first < 0.0 && second > 0.0);
}

bool meet(const Line& a, const Line& b) {
  if (is_inside(a.from, b) || is_inside(a.to, b) || is_inside(b.from, a) || is_inside(b.to, a)) return true;
  const bool same = (a.from == b.from && a.to == b.to) || (a.from == b.to && a.to == b.from);
  return same || (are_opposite(side(a.from, a.to, b.from), side(a.from, a.to, b.to)) &&
                  are_opposite(side(b.from, b.to, a.from), side(b.from, b.to, a.to)));
}

void add_lines(std::vector<Line>& lines, const Ring& ring) {
  for (size_t i = 0; i < ring.size(); ++i) lines.push_back({ring[i], ring[(i + 1) % ring.size()]});
}

bool any_meet(std::vector<Line> lines) {
  std::ranges::sort(lines, {}, &Line::left);
  for (size_t i = 0; i < lines.size(); ++i) {
    for (size_t j = i + 1; j < lines.size() && lines[j].left() <= lines[i].right(); ++j) {
      if (meet(lines[i], lines[j])) return true;
    }
  }
  return false;
}

/// True if a corner of the ring is repeated: it touches itself.
bool repeats(Ring ring) {
  std::ranges::sort(ring, [](const Point& a, const Point& b) { return a.y != b.y ? a.y < b.y : a.x < b.x; });
  return std::ranges::adjacent_find(ring) != ring.end();
}

bool keeps_direction(const Ring& ring, bool outline) {
  if (ring.size() < 3 || repeats(ring)) return false;
  return outline ? signed_area(ring) > 0.0 : signed_area(ring) < 0.0;
}

}  // namespace

Box box_of(const Ring& ring) {
  Box box{ring.front(), ring.front()};
  for (const auto& point : ring) {
    box.least = {std::min(box.least.x, point.x), std::min(box.least.y, point.y)};
    box.most = {std::max(box.most.x, point.x), std::max(box.most.y, point.y)};
  }
  return box;
}

bool is_within(const Point& point, const Ring& ring) {
  bool within = false;
  for (size_t i = 0, last = ring.size() - 1; i < ring.size(); last = i++) {
    const auto &a = ring[i], &b = ring[last];
    if ((a.y > point.y) == (b.y > point.y)) continue;
    if (point.x < (b.x - a.x) * (point.y - a.y) / (b.y - a.y) + a.x) within = !within;
  }
  return within;
}

Ring without_straight(const Ring& ring) {
  Ring kept;
  for (size_t i = 0; i < ring.size(); ++i) {
    const auto& before = ring[(i + ring.size() - 1) % ring.size()];
    if (side(before, ring[i], ring[(i + 1) % ring.size()]) != 0.0) kept.push_back(ring[i]);
  }
  return kept;
}

bool is_sound(const Polygon& polygon) {
  std::vector<Line> lines;
  add_lines(lines, polygon.outline);
  for (const auto& hole : polygon.holes) {
    if (!keeps_direction(hole, false)) return false;
    const Point middle{(hole[0].x + hole[1].x) / 2.0, (hole[0].y + hole[1].y) / 2.0};
    if (!is_within(middle, polygon.outline)) return false;
    add_lines(lines, hole);
  }
  return keeps_direction(polygon.outline, true) && !any_meet(std::move(lines));
}

double signed_area(const Ring& ring) {
  double twice = 0.0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const auto& next = ring[(i + 1) % ring.size()];
    twice += next.x * ring[i].y - ring[i].x * next.y;
  }
  return twice / 2.0;
}

double area(const Polygon& polygon) {
  double sum = signed_area(polygon.outline);
  for (const auto& hole : polygon.holes) sum += signed_area(hole);
  return sum;
}

}  // namespace ccexpert::image

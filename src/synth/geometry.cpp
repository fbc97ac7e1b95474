#include "synth/geometry.h"

#include <algorithm>

namespace ccexpert::synth {
namespace {

double distance_to_segment(Point a, Point b, Point point) {
  const Point along = b - a;
  const double square = dot(along, along);
  const double share = square > 0 ? std::clamp(dot(point - a, along) / square, 0.0, 1.0) : 0.0;
  return length(point - (a + along * share));
}

/// True if a line along a side of `a` separates the boxes (separating axes).
bool parted(const Box& a, const Box& b) {
  for (const auto& [axis, half] : {std::pair{a.axis, a.width / 2}, {turned(a.axis), a.depth / 2}}) {
    const double reach =
        std::abs(dot(b.axis, axis)) * b.width / 2 + std::abs(dot(turned(b.axis), axis)) * b.depth / 2;
    if (std::abs(dot(b.centre - a.centre, axis)) > half + reach) return true;
  }
  return false;
}

}  // namespace

std::array<Point, 4> Box::corners() const {
  const double w = width / 2;
  const double d = depth / 2;
  return {at(-w, -d), at(w, -d), at(w, d), at(-w, d)};
}

Polygon Box::outline() const {
  const auto points = corners();
  return {points.begin(), points.end()};
}

bool contains(const Box& box, Point point) {
  const Point from = point - box.centre;
  return std::abs(dot(from, box.axis)) <= box.width / 2 &&
         std::abs(dot(from, turned(box.axis))) <= box.depth / 2;
}

bool contains(const Polygon& polygon, Point point) {
  bool inside = false;
  for (size_t i = 0, j = polygon.size() - 1; i < polygon.size(); j = i++) {
    const Point a = polygon[i];
    const Point b = polygon[j];
    if ((a.y > point.y) != (b.y > point.y) && point.x < (b.x - a.x) * (point.y - a.y) / (b.y - a.y) + a.x)
      inside = !inside;
  }
  return inside;
}

bool overlap(const Box& a, const Box& b) {
  return !parted(a, b) && !parted(b, a);
}

double distance(const Polyline& line, Point point) {
  double nearest = 1e9;
  for (size_t i = 1; i < line.size(); ++i)
    nearest = std::min(nearest, distance_to_segment(line[i - 1], line[i], point));
  return nearest;
}

double distance(const Polyline& line, const Box& box) {
  double nearest = distance(line, box.centre);
  const auto corners = box.corners();
  for (size_t i = 0; i < 4; ++i) {
    nearest = std::min(nearest, distance(line, corners[i]));
    nearest = std::min(nearest, distance(line, (corners[i] + corners[(i + 1) % 4]) * 0.5));
  }
  return nearest;
}

double visible_share(const Box& box, double size) {
  constexpr int kSteps = 8;
  int seen = 0;
  for (int i = 0; i < kSteps * kSteps; ++i) {
    const int column = i % kSteps;
    const int row = i / kSteps;
    const double along = ((column + 0.5) / kSteps - 0.5) * box.width;
    const double across = ((row + 0.5) / kSteps - 0.5) * box.depth;
    const Point at = box.at(along, across);
    seen += at.x >= 0 && at.y >= 0 && at.x < size && at.y < size ? 1 : 0;
  }
  return static_cast<double>(seen) / (kSteps * kSteps);
}

std::vector<double> marks(double from, double end, double step) {
  std::vector<double> all(static_cast<size_t>(std::max(0.0, std::ceil((end - from) / step))));
  for (size_t i = 0; i < all.size(); ++i) all[i] = from + static_cast<double>(i) * step;
  return all;
}

double line_length(const Polyline& line) {
  double total = 0;
  for (size_t i = 1; i < line.size(); ++i) total += length(line[i] - line[i - 1]);
  return total;
}

Station station(const Polyline& line, double distance) {
  for (size_t i = 1; i < line.size(); ++i) {
    const Point step = line[i] - line[i - 1];
    const double part = length(step);
    if (distance <= part || i + 1 == line.size()) return {line[i - 1] + unit(step) * distance, unit(step)};
    distance -= part;
  }
  return {};
}

Polyline moved_aside(const Polyline& line, double offset) {
  Polyline moved;
  for (size_t i = 0; i < line.size(); ++i) {
    const Point before = line[i > 0 ? i - 1 : i];
    const Point after = line[i + 1 < line.size() ? i + 1 : i];
    moved.push_back(line[i] + turned(unit(after - before)) * offset);
  }
  return moved;
}

Polygon band(const Polyline& line, double half_width) {
  Polygon outline = moved_aside(line, half_width);
  const Polyline other = moved_aside(line, -half_width);
  outline.insert(outline.end(), other.rbegin(), other.rend());
  return outline;
}

Polygon circle(Point centre, double radius, int corners) {
  Polygon outline;
  for (int i = 0; i < corners; ++i)
    outline.push_back(centre + direction(i * 6.283185307179586 / corners) * radius);
  return outline;
}

}  // namespace ccexpert::synth

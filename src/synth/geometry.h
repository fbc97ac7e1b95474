// Points, boxes and lines of a scene, in pixels; x to the right, y down.
#pragma once

#include <array>
#include <cmath>
#include <vector>

namespace ccexpert::synth {

struct Point {
  double x = 0;
  double y = 0;

  Point operator+(Point other) const { return {x + other.x, y + other.y}; }
  Point operator-(Point other) const { return {x - other.x, y - other.y}; }
  Point operator*(double factor) const { return {x * factor, y * factor}; }
};

inline double dot(Point a, Point b) {
  return a.x * b.x + a.y * b.y;
}
inline double length(Point a) {
  return std::hypot(a.x, a.y);
}
/// Returns the point rotated by a quarter turn, clockwise on the screen.
inline Point turned(Point a) {
  return {-a.y, a.x};
}
inline Point direction(double angle) {
  return {std::cos(angle), std::sin(angle)};
}
inline Point unit(Point a) {
  const double norm = length(a);
  return norm > 0 ? a * (1 / norm) : Point{1, 0};
}

using Polygon = std::vector<Point>;
using Polyline = std::vector<Point>;

/// Rectangle at any angle: `width` along `axis` (of length 1), `depth` across.
struct Box {
  Point centre;
  Point axis{1, 0};
  double width = 0;
  double depth = 0;

  Point at(double along, double across) const { return centre + axis * along + turned(axis) * across; }
  std::array<Point, 4> corners() const;
  Polygon outline() const;
  Box grown(double margin) const { return {centre, axis, width + 2 * margin, depth + 2 * margin}; }
};

bool contains(const Box& box, Point point);
bool contains(const Polygon& polygon, Point point);
bool overlap(const Box& a, const Box& b);
double distance(const Polyline& line, Point point);
double distance(const Polyline& line, const Box& box);

/// Returns the sampled share of a box inside [0,size) x [0,size).
double visible_share(const Box& box, double size);

/// Returns from, from + step, from + 2 step, … below `end`.
std::vector<double> marks(double from, double end, double step);

/// Point on a line and the direction there.
struct Station {
  Point at;
  Point along;
};

double line_length(const Polyline& line);
Station station(const Polyline& line, double distance);

/// Returns the line moved to its right (seen along it) by `offset`.
Polyline moved_aside(const Polyline& line, double offset);

/// Returns the area within `half_width` of a line, flat at both ends.
Polygon band(const Polyline& line, double half_width);

Polygon circle(Point centre, double radius, int corners = 24);

}  // namespace ccexpert::synth

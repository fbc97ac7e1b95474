#include <algorithm>
#include <cmath>

#include "synth/paint.h"

namespace ccexpert::synth {
namespace {

constexpr std::array<Colour, 12> kShingles{{{104, 99, 93},
                                            {112, 105, 97},
                                            {92, 90, 88},
                                            {120, 112, 104},
                                            {98, 90, 80},
                                            {128, 122, 116},
                                            {86, 82, 78},
                                            {110, 96, 82},
                                            {134, 112, 94},
                                            {78, 84, 92},
                                            {140, 134, 126},
                                            {128, 84, 66}}};
constexpr std::array<Colour, 7> kSheets{{{214, 214, 210},
                                         {190, 190, 186},
                                         {228, 226, 220},
                                         {150, 152, 154},
                                         {168, 158, 142},
                                         {120, 136, 150},
                                         {146, 92, 78}}};

/// Asphalt shingles from grey to brown.
constexpr std::array<Colour, 8> kTexasShingles{{{112, 108, 102},
                                                {104, 101, 97},
                                                {118, 111, 102},
                                                {98, 93, 87},
                                                {126, 119, 110},
                                                {110, 104, 94},
                                                {132, 127, 120},
                                                {94, 92, 92}}};
constexpr std::array<Colour, 3> kTiles{{{150, 114, 88}, {138, 112, 90}, {158, 128, 102}}};

/// Fills the convex hull of a box and its shifted copy.
void fill_swept(cv::Mat& image, const Box& box, Point offset, const cv::Scalar& value) {
  std::vector<cv::Point> points = to_fixed(box.corners());
  Box moved = box;
  moved.centre = box.centre + offset;
  for (const auto& point : to_fixed(moved.corners())) points.push_back(point);
  std::vector<cv::Point> hull;
  cv::convexHull(points, hull);
  cv::fillConvexPoly(image, hull.data(), static_cast<int>(hull.size()), value, cv::LINE_AA, kFraction);
}

/// Returns the light on a roof face that slopes down towards `down` with `pitch`.
double light_on(const View& view, Point down, double pitch) {
  const Point to_sun = unit(view.look.shadow) * -std::cos(view.look.elevation);
  const double lambert =
      dot(down, to_sun) * std::sin(pitch) + std::cos(pitch) * std::sin(view.look.elevation);
  return 0.26 + 1.02 * std::max(lambert, 0.0);
}

/// Returns the colour of a roof on one day: roofs shine, weather, are washed and sometimes re-laid, which is
/// not a change.
Colour roof_colour(const View& view, const Building& building) {
  const auto day = on_day(view.look, building.look);
  const uint32_t look = variate(day, 14) < 0.06 ? day : building.look;
  const double change = view.scene.world == World::kTexas ? 0.4 : 0.24;
  const double tone = (0.92 + 0.4 * variate(look, 7)) * (1 + change * (variate(day, 13) - 0.5));
  if (building.large || building.metal) return kSheets[look % kSheets.size()] * tone;
  if (view.scene.world == World::kTexas) {
    // Some neighbourhoods have roofs of tiles.
    const bool tiled = view.scene.texture % 9 == 0 ? look % 3 != 0 : look % 40 == 0;
    return (tiled ? kTiles[look / 3 % kTiles.size()] : kTexasShingles[look % kTexasShingles.size()]) * tone;
  }
  // Most suburbs are grey; the last few colours are rare.
  const size_t common = variate(look, 8) < 0.75 ? 8 : kShingles.size();
  return kShingles[look % common] * tone;
}

/// Returns the box with its longer side along the axis.
Box along_ridge(Box box) {
  if (box.width >= box.depth) return box;
  return {box.centre, turned(box.axis), box.depth, box.width};
}

void paint_pitched(const View& view, const Box& wing, Roof roof, Colour colour, Canvas& canvas) {
  const Box box = along_ridge(wing);
  const double flatter = view.scene.world == World::kTexas ? 0.75 : 1;
  const double pitch = flatter * (roof == Roof::kHip ? 0.56 : 0.48);
  const double inset = roof == Roof::kHip ? box.depth / 2 : 0;
  const Point head = box.at(box.width / 2 - inset, 0);
  const Point tail = box.at(-box.width / 2 + inset, 0);
  const auto corner = box.corners();
  const Point across = turned(box.axis);
  const auto face = [&](const auto& points, Point down) {
    fill_convex(canvas.colour, points, scalar(colour * light_on(view, down, pitch)));
  };
  face(std::array{corner[0], corner[1], head, tail}, across * -1);
  face(std::array{corner[2], corner[3], tail, head}, across);
  if (roof == Roof::kHip) {
    face(std::array{corner[1], corner[2], head}, box.axis);
    face(std::array{corner[3], corner[0], tail}, box.axis * -1);
    for (const auto& [from, to] :
         {std::pair{corner[1], head}, {corner[2], head}, {corner[3], tail}, {corner[0], tail}})
      stroke(canvas.colour, {from, to}, 1, scalar(colour * (0.97 * light_on(view, {0, 0}, 0.3))));
  }
  stroke(canvas.colour, {head, tail}, 1, scalar(colour * (1.12 * light_on(view, {0, 0}, 0))));
}

void paint_seams(const View& view, const Box& box, Colour colour, Canvas& canvas) {
  const Box long_box = along_ridge(box);
  for (const double at : marks(-long_box.width / 2 + 3, long_box.width / 2, 3.2 * view.scene.metre))
    stroke(canvas.colour, {long_box.at(at, -long_box.depth / 2), long_box.at(at, long_box.depth / 2)}, 1,
           scalar(colour * 0.96));
}

void paint_units(const View& view, const Building& building, const Box& box, Colour colour, Canvas& canvas) {
  const auto count = 2 + building.look % 9;
  for (uint32_t i = 0; i < count; ++i) {
    const double side = (1.2 + 1.6 * variate(building.look, i + 30)) * view.scene.metre;
    const Box unit_box{box.at((variate(building.look, i + 10) - 0.5) * 0.8 * box.width,
                              (variate(building.look, i + 50) - 0.5) * 0.75 * box.depth),
                       box.axis, side, side * 0.8};
    fill_swept(canvas.colour, unit_box, view.look.shadow * (1.1 * view.scene.metre), scalar(colour * 0.5));
    fill_convex(canvas.colour, unit_box.corners(), scalar(mixed(colour, {150, 152, 154}, 0.6)));
  }
}

void paint_flat_roof(const View& view, const Building& building, const Box& box, Colour colour,
                     Canvas& canvas) {
  const Colour lit = colour * light_on(view, {0, 0}, 0);
  fill_convex(canvas.colour, box.corners(), scalar(lit * 0.82));
  fill_convex(canvas.colour, box.grown(-0.6 * view.scene.metre).corners(), scalar(lit));
  if (building.look % 2 == 0) paint_seams(view, box, lit, canvas);
  paint_units(view, building, box, lit, canvas);
}

void paint_building(const View& view, const Building& building, Canvas& canvas) {
  const Colour colour = roof_colour(view, building);
  std::vector<const Wing*> order;
  for (const auto& wing : building.wings) order.push_back(&wing);
  std::stable_sort(order.begin(), order.end(),
                   [](const Wing* a, const Wing* b) { return a->height < b->height; });
  for (const auto* wing : order) {
    const Point lean = view.look.lean * wing->height;
    if (length(lean) > 0.4)
      fill_swept(canvas.colour, wing->box, lean, scalar(mixed(colour, {150, 138, 124}, 0.7) * 0.62));
    Box box = wing->box;
    box.centre = box.centre + lean;
    if (building.roof == Roof::kFlat)
      paint_flat_roof(view, building, box, colour, canvas);
    else
      paint_pitched(view, box, building.roof, colour, canvas);
    if (building.large && building.roof == Roof::kGable)
      paint_seams(view, box, colour * light_on(view, {0, 0}, 0.2), canvas);
  }
}

}  // namespace

void paint_shadows(const View& view, Canvas& canvas) {
  for (const auto& building : view.scene.buildings) {
    if (!stands(building.dates, view.date)) continue;
    // Eaves are lower than the ridge, which casts the far edge.
    const double ridge = building.roof == Roof::kFlat ? 1.0 : 1.35;
    for (const auto& wing : building.wings)
      fill_swept(canvas.shadow, wing.box, view.look.shadow * (wing.height * ridge), cv::Scalar(255));
  }
}

void paint_buildings(const View& view, Canvas& canvas) {
  for (const auto& building : view.scene.buildings) {
    if (stands(building.dates, view.date)) paint_building(view, building, canvas);
  }
}

}  // namespace ccexpert::synth

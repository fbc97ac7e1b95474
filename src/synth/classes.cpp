#include "synth/classes.h"

#include <algorithm>

#include "synth/pixels.h"

namespace ccexpert::synth {

LandClass class_of(Ground ground) {
  switch (ground) {
    case Ground::kMeadow:
    case Ground::kDryMeadow:
    case Ground::kLawn:
    case Ground::kWoodFloor:
      return LandClass::kGrass;
    default:
      return LandClass::kBare;
  }
}

double paved_half(const Scene& scene, const Road& road, int date) {
  return road.half(date) + (road.sidewalk ? 1.9 * scene.metre : 0);
}

namespace {

cv::Scalar value_of(LandClass land, size_t number = 0) {
  return cv::Scalar::all(static_cast<double>(number * 8 + static_cast<size_t>(land)));
}

LandClass class_of(PatchKind kind) {
  switch (kind) {
    case PatchKind::kDriveway:
    case PatchKind::kPath:
    case PatchKind::kParking:
      return LandClass::kPaved;
    case PatchKind::kPond:
      return LandClass::kWater;
    default:
      return LandClass::kLeisure;
  }
}

void draw_roads(const Scene& scene, int date, cv::Mat& map) {
  for (const auto& road : scene.roads) {
    if (!stands(road.dates, date)) continue;
    const auto value = value_of(LandClass::kPaved);
    fill(map, band(road.line, paved_half(scene, road, date)), value, cv::LINE_8);
    if (road.bulb > 0) fill(map, circle(road.line.back(), road.bulb), value, cv::LINE_8);
  }
}

void draw_patches(const Scene& scene, int date, cv::Mat& map) {
  for (size_t i = 0; i < scene.patches.size(); ++i) {
    const auto& patch = scene.patches[i];
    if (!stands(patch.dates, date)) continue;
    const LandClass land = class_of(patch.kind);
    fill(map, patch.outline, value_of(land, land == LandClass::kLeisure ? i + 1 : 0), cv::LINE_8);
  }
}

void draw_zones(const std::vector<Zone>& zones, int date, cv::Mat& map) {
  for (const auto& zone : zones) {
    if (stands(zone.dates, date)) fill(map, zone.outline, value_of(class_of(zone.ground)), cv::LINE_8);
  }
}

std::vector<uint16_t> drawn_map(const Scene& scene, const std::vector<Zone>& covers, int date) {
  std::vector<uint16_t> objects(static_cast<size_t>(scene.size) * static_cast<size_t>(scene.size));
  cv::Mat map(scene.size, scene.size, CV_16U, objects.data());
  map.setTo(value_of(class_of(scene.ground)));
  draw_zones(covers, date, map);
  draw_zones(scene.zones, date, map);
  draw_roads(scene, date, map);
  draw_patches(scene, date, map);
  for (const auto& tree : scene.trees) {
    if (stands(tree.dates, date))
      fill(map, circle(tree.at, tree.radius, 12), value_of(LandClass::kTree), cv::LINE_8);
  }
  for (size_t i = 0; i < scene.buildings.size(); ++i) {
    if (!stands(scene.buildings[i].dates, date)) continue;
    for (const auto& wing : scene.buildings[i].wings)
      fill_convex(map, wing.box.corners(), value_of(LandClass::kBuilding, i + 1), cv::LINE_8);
  }
  return objects;
}

}  // namespace

std::vector<uint16_t> object_map(const Scene& scene, int date) {
  return drawn_map(scene, {}, date);
}

std::vector<uint8_t> class_map(const Scene& scene, int date) {
  const auto objects = drawn_map(scene, scene.covers, date);
  std::vector<uint8_t> classes(objects.size());
  std::transform(objects.begin(), objects.end(), classes.begin(),
                 [](uint16_t each) { return static_cast<uint8_t>(each & 7); });
  return classes;
}

std::vector<uint8_t> change_mask(const std::vector<uint16_t>& before, const std::vector<uint16_t>& after) {
  std::vector<uint8_t> mask(before.size());
  std::transform(before.begin(), before.end(), after.begin(), mask.begin(),
                 [](uint16_t a, uint16_t b) { return static_cast<uint8_t>(a == b ? 0 : 255); });
  return mask;
}

}  // namespace ccexpert::synth

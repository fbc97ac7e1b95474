// Maps of change at pixels: heatmaps, overlays, polygons.
#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <ccexpert/image/change_map.h>
#include <ccexpert/image/polygons.h>

#include "captioner/arrays.h"
#include "captioner/parts.h"

namespace nb = nanobind;

namespace ccexpert::python {
namespace {

using Values = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
/// Positions in pixels: x to the right, y downwards.
using Points = std::vector<std::pair<double, double>>;

image::ChangeMap map_of(const Values& values, double covered, bool padded) {
  image::ChangeMap map{.grid = static_cast<int64_t>(values.shape(0)), .covered = covered, .padded = padded};
  map.values.assign(values.data(), values.data() + values.size());
  return map;
}

FloatMap heatmap(const Values& values, double covered, bool padded, int64_t height, int64_t width) {
  auto map = image::at_pixels(map_of(values, covered, padded), height, width);
  return array_of(std::move(map.values),
                  std::array{static_cast<size_t>(map.height), static_cast<size_t>(map.width)});
}

ImageArray overlay(const Pixels& pixels, const Values& values, double covered, bool padded) {
  return array_of(image::overlay(view_of(pixels), map_of(values, covered, padded)));
}

Points points_of(const image::Ring& ring) {
  Points points;
  std::ranges::transform(ring, std::back_inserter(points),
                         [](const image::Point& point) { return std::pair(point.x, point.y); });
  return points;
}

/// Returns the rings of each polygon, the outline first. `size`: height and width of the image.
std::vector<std::vector<Points>> polygons(const image::ChangeMap& map,
                                          const std::pair<int64_t, int64_t>& size,
                                          const image::PolygonOptions& options) {
  std::vector<std::vector<Points>> found;
  for (const auto& polygon : image::change_polygons(map, size.first, size.second, options)) {
    auto& rings = found.emplace_back();
    rings.push_back(points_of(polygon.outline));
    std::ranges::transform(polygon.holes, std::back_inserter(rings), points_of);
  }
  return found;
}

}  // namespace

void add_maps(nb::module_& module) {
  module.def("heatmap", &heatmap, nb::arg("map"), nb::arg("covered"), nb::arg("padded"), nb::arg("height"),
             nb::arg("width"));
  module.def("overlay", &overlay, nb::arg("image"), nb::arg("map"), nb::arg("covered"), nb::arg("padded"));
  module.def(
      "polygons",
      [](const Values& values, double covered, bool padded, std::pair<int64_t, int64_t> size,
         double threshold, double tolerance, double smallest) {
        return polygons(map_of(values, covered, padded), size, {threshold, tolerance, smallest});
      },
      nb::arg("map"), nb::arg("covered"), nb::arg("padded"), nb::arg("size"), nb::arg("threshold"),
      nb::arg("tolerance"), nb::arg("smallest"));
}

}  // namespace ccexpert::python

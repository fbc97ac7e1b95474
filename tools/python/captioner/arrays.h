// Arrays of NumPy as pixels and maps.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <ccexpert/image/change_map.h>
#include <ccexpert/image/image.h>

namespace ccexpert::python {

/// Pixels of Python: height, width, red green blue. Rows may be apart.
using Pixels = nanobind::ndarray<const uint8_t, nanobind::shape<-1, -1, 3>, nanobind::device::cpu>;
using FloatMap = nanobind::ndarray<nanobind::numpy, float, nanobind::ndim<2>>;
using ImageArray = nanobind::ndarray<nanobind::numpy, uint8_t, nanobind::ndim<3>>;

/// Returns a view; the pixels of a row must be neighbours, which the package ensures.
inline image::ImageView view_of(const Pixels& pixels) {
  return {pixels.data(), static_cast<int64_t>(pixels.shape(0)), static_cast<int64_t>(pixels.shape(1)),
          pixels.stride(0)};
}

/// Returns an array that owns its values.
template <class Value, size_t kDimensions>
auto array_of(std::vector<Value> values, const std::array<size_t, kDimensions>& shape) {
  auto* owned = new std::vector<Value>(std::move(values));
  const nanobind::capsule owner(
      owned, [](void* memory) noexcept { delete static_cast<std::vector<Value>*>(memory); });
  return nanobind::ndarray<nanobind::numpy, Value, nanobind::ndim<kDimensions>>(owned->data(), kDimensions,
                                                                                shape.data(), owner);
}

inline FloatMap array_of(const image::ChangeMap& map) {
  const auto side = static_cast<size_t>(map.grid);
  return array_of(map.values, std::array{side, side});
}

inline ImageArray array_of(image::Image image) {
  return array_of(std::move(image.pixels),
                  std::array{static_cast<size_t>(image.height), static_cast<size_t>(image.width), size_t{3}});
}

}  // namespace ccexpert::python

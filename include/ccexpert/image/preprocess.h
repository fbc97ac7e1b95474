/// Preprocessing of images for the vision transformer.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <ccexpert/image/image.h>

namespace ccexpert::image {

/// Handling of images that are not square.
enum class AspectMode {
  kSquare,  ///< resize both sides, whatever the shape (the reference implementation)
  kPad,     ///< centre it on a square of the mean colour first
};

struct PreprocessConfig {                          ///< How an image becomes the input of the tower
  int64_t size = 384;                              ///< side of the result in pixels
  std::array<double, 3> mean{0.5, 0.5, 0.5};       ///< of each channel, for values in [0, 1]
  std::array<double, 3> deviation{0.5, 0.5, 0.5};  ///< of red, green and blue
  AspectMode aspect = AspectMode::kSquare;         ///< of images that are not square
};

/// Resizes to size x size, scales to [0, 1] and normalises; writes red, green and blue planes [3,size,size]
/// to `planes`. Throws Error if the image has no pixels or `planes` has another length.
void preprocess(const ImageView& image, const PreprocessConfig& config, std::span<float> planes);

}  // namespace ccexpert::image

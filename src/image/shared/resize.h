/// Resampling equal to Pillow's.
#pragma once

#include <ccexpert/image/image.h>

namespace ccexpert::image {

/// Resizes by a bicubic filter (a = -0.5), widened for downscaling against aliasing, in two passes with 8-bit
/// intermediate results: bit-identical to Image.resize((width, height), BICUBIC) of Pillow 13. Throws Error
/// for an image or a size without pixels.
Image resize_bicubic(const ImageView& image, int64_t height, int64_t width);

/// Throws Error, beginning with `name`, if a view has no pixels or its rows overlap.
void expect_valid(const ImageView& image, const char* name);

}  // namespace ccexpert::image

/// Resampling as Pillow does it.
#pragma once

#include <ccexpert/image/image.h>

namespace ccexpert {

/// Bicubic (a = -0.5), widened when shrinking so that it does not alias; two passes with 8-bit results
/// between, to the last bit what Image.resize((width, height), BICUBIC) of Pillow 13 gives. Throws Error for
/// an image or a size without pixels.
Image resize_bicubic(const ImageView& image, int64_t height, int64_t width);

/// Throws Error, beginning with `name`, where a view has no pixels or rows overlap.
void expect_valid(const ImageView& image, const char* name);

}  // namespace ccexpert

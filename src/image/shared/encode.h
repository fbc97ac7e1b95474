// Images as files in memory, besides PNG (ccexpert/image/decode.h).
#pragma once

#include <string>

#include <ccexpert/image/image.h>

namespace ccexpert::image {

/// Returns a lossy WebP file. quality: 1 to 100. Throws Error for an image without pixels or larger than
/// WebP's 16,383 pixels on a side.
std::string encode_webp(const ImageView& image, float quality);

}  // namespace ccexpert::image

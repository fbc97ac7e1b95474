// Thumbnails of images and masks.
#pragma once

#include <filesystem>
#include <string>

#include <ccexpert/image/image.h>

namespace ccexpert::page {

/// Scales an image so that its longer side is `side` pixels; `mask` makes values above 0 white.
image::Image thumbnail(const image::Image& image, int64_t side, bool mask = false);

/// Returns "data:image/png;base64,...", for HTML pages.
std::string data_uri(const image::Image& image);

/// Returns "data:image/webp;base64,...": lossy, a fifth of the size.
std::string webp_uri(const image::Image& image);

}  // namespace ccexpert::page

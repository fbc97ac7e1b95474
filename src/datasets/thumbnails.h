// Small pictures of images and masks.
#pragma once

#include <filesystem>
#include <string>

#include <ccexpert/image/image.h>

namespace ccexpert::datasets {

/// At most `side` pixels high and wide, in its shape; `mask` makes all that is above 0 white.
Image thumbnail(const Image& image, int64_t side, bool mask = false);

/// "data:image/png;base64,...", for pages.
std::string data_uri(const Image& image);

}  // namespace ccexpert::datasets

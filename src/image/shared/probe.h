/// Size of an image, read only from its header.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ccexpert::image {

struct ImageHeader {
  int64_t width = 0;
  int64_t height = 0;
};

/// Returns the size that decode_image would give, from the first bytes of a file. Throws Error, beginning
/// with `name`, if their format is unknown or they end within the header.
ImageHeader probe_image(std::span<const uint8_t> bytes, std::string_view name);

}  // namespace ccexpert::image

// What an image file says of itself, read from its header alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ccexpert {

struct ImageHeader {
  std::string_view format;  ///< "PNG", "JPEG", "TIFF", "BMP", "WebP"
  int64_t width = 0;
  int64_t height = 0;
  bool complete = true;  ///< false: the file ends before the image does
};

/// Throws Error, beginning with `name`, where the bytes are of no known format or end within the header.
ImageHeader probe_image(std::span<const uint8_t> bytes, std::string_view name);

}  // namespace ccexpert

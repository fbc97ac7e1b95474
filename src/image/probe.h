// The size of an image, read from its header alone.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ccexpert {

struct ImageHeader {
  int64_t width = 0;
  int64_t height = 0;
};

/// The size that decode_image would give, from the first bytes of a file. Throws Error, beginning with
/// `name`, if they are of no known format or end within the header.
ImageHeader probe_image(std::span<const uint8_t> bytes, std::string_view name);

}  // namespace ccexpert

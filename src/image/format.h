// Recognition of an image format by a file's first bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ccexpert::image {

enum class ImageFormat { kPng, kJpeg, kTiff, kBmp, kWebp };

/// Throws Error, beginning with `name`, for bytes of another format, and names that format if it is known.
ImageFormat image_format(std::span<const uint8_t> bytes, std::string_view name);

}  // namespace ccexpert::image

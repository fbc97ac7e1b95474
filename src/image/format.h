// Which image format a file's first bytes name.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ccexpert {

enum class ImageFormat { kPng, kJpeg, kTiff, kBmp, kWebp };

/// Throws Error, beginning with `name`, for bytes of another kind, and names the kind if it is a known one.
ImageFormat image_format(std::span<const uint8_t> bytes, std::string_view name);

}  // namespace ccexpert

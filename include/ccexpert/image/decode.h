/// Image files to 8-bit RGB, with the colours that Pillow's convert('RGB') gives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <ccexpert/image/image.h>

namespace ccexpert {

/// Most pixels an image may declare (2^28, as 16384 x 16384): more is refused before memory is taken.
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 28;

/// Decodes a PNG, JPEG, TIFF, BMP or WebP file by the rules in docs/caption.md: grey, palette, CMYK, YCbCr
/// and several bands become RGB; transparency is dropped, not blended; TIFF's orientation tag is applied.
/// Throws Error naming the file for everything that is not a whole image of these kinds. No decoder writes to
/// standard error by itself; the log warns of a JPEG with damaged data and of samples that need a stretch.
Image decode_image(const std::filesystem::path& path);

/// The same from memory; `name` begins error messages.
Image decode_image(std::span<const uint8_t> bytes, std::string_view name);

/// The bytes of a PNG file. Throws Error for an image without pixels.
std::string encode_png(const ImageView& image);

/// Writes a PNG file, whatever its name. Throws Error where it cannot; what is left of the file then is no
/// image.
void write_png(const std::filesystem::path& path, const ImageView& image);

}  // namespace ccexpert

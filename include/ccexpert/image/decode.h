/// Decoding of image files to 8-bit RGB, with the colours of Pillow's convert('RGB').
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <ccexpert/image/image.h>

namespace ccexpert::image {

/// Limit of an image's declared pixels (2^28, as 16384 x 16384): a larger image is refused before memory is
/// allocated.
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 28;

/// Decodes a PNG, JPEG, TIFF, BMP or WebP file by the rules in docs/caption.md: grey, palette, CMYK, YCbCr
/// and several bands become RGB; transparency is dropped, not blended; TIFF's orientation tag is applied.
/// Throws Error naming the file if it is not a whole image of these formats. No decoder writes to standard
/// error directly; the log warns of a JPEG with damaged data and of samples that need a stretch.
Image decode_image(const std::filesystem::path& path);

/// Decoded image, with a warning if its file is damaged but could be decoded.
struct DecodedImage {
  Image image;               ///< pixels
  std::string warning = {};  ///< one line, starting with the file's name; empty for an intact file
};

/// Same as decode_image, but the warning about damaged data is returned, not logged.
DecodedImage decode_with_warning(const std::filesystem::path& path);

/// Decodes an image from memory; `name` starts error messages.
Image decode_image(std::span<const uint8_t> bytes, std::string_view name);

/// Returns the bytes of a PNG file. Throws Error for an image without pixels.
std::string encode_png(const ImageView& image);

/// Writes a PNG file, whatever its name. Throws Error if it cannot; a partial file is then not a valid image.
void write_png(const std::filesystem::path& path, const ImageView& image);

}  // namespace ccexpert::image

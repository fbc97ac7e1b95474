// Decoders of decode_image, one source file per format, and their shared functions.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <ccexpert/image/decode.h>
#include <ccexpert/image/image.h>

namespace ccexpert::image {

/// Image file in memory, and the name that starts its messages.
struct ImageFile {
  std::span<const uint8_t> bytes;
  std::string_view name;
};

/// Returns a black image to decode into. Throws Error, before memory is allocated, if a side is 0 or if the
/// image has more than kMaxImagePixels pixels.
Image blank_image(int64_t width, int64_t height, std::string_view name);

/// Returns row `y` of an image for writing.
uint8_t* row_of(Image& image, int64_t y);

/// Throws Error("NAME: expected a whole FORMAT image, got damaged data (reason)").
[[noreturn]] void fail_damaged(const ImageFile& file, std::string_view format, std::string_view reason);

/// Throws Error("NAME: expected a whole FORMAT image, got a truncated file").
[[noreturn]] void fail_truncated(const ImageFile& file, std::string_view format);

/// Each decodes one format to the pixels of Pillow's convert('RGB'), and throws Error for a file that is
/// truncated or of an unsupported kind. Only decode_jpeg warns: libjpeg decodes some damaged data.
Image decode_png(const ImageFile& file);
DecodedImage decode_jpeg(const ImageFile& file);
Image decode_tiff(const ImageFile& file);
Image decode_bmp(const ImageFile& file);
Image decode_webp(const ImageFile& file);

}  // namespace ccexpert::image

#include "image/shared/probe.h"

#include <cstring>
#include <optional>

#include <ccexpert/core/error.h>

#include "image/bmp.h"
#include "image/format.h"
#include "image/header_numbers.h"
#include "image/orientation.h"
#include "image/tiff_file.h"

namespace ccexpert::image {
namespace {

using Bytes = std::span<const uint8_t>;

std::optional<ImageHeader> probe_png(Bytes bytes) {
  const HeaderNumbers header(bytes, true);
  const auto width = header.number(16, 4), height = header.number(20, 4);
  if (!width || !height) return std::nullopt;
  return ImageHeader{*width, *height};
}

std::optional<ImageHeader> probe_jpeg(Bytes bytes) {
  const HeaderNumbers header(bytes, true);
  for (size_t at = 2; const auto marker = header.number(at, 2);) {
    if (*marker == 0xffff) {  // fill byte
      ++at;
      continue;
    }
    const auto length = header.number(at + 2, 2);
    if (!length || *length < 2 || (*marker >> 8) != 0xff) return std::nullopt;
    const uint32_t code = *marker & 0xff;
    const bool frame = code >= 0xc0 && code <= 0xcf && code != 0xc4 && code != 0xc8 && code != 0xcc;
    if (frame) {
      const auto height = header.number(at + 5, 2), width = header.number(at + 7, 2);
      if (!height || !width) return std::nullopt;
      return ImageHeader{*width, *height};
    }
    at += 2 + *length;
  }
  return std::nullopt;
}

ImageHeader probe_tiff(const ImageFile& source) {
  const TiffFile file(source);
  const int64_t width = file.layout().width, height = file.layout().height;
  return is_transposed(file.layout().orientation) ? ImageHeader{height, width} : ImageHeader{width, height};
}

bool has_chunk(Bytes bytes, std::string_view name) {
  return bytes.size() >= 16 && std::memcmp(bytes.data() + 12, name.data(), 4) == 0;
}

std::optional<ImageHeader> probe_webp(Bytes bytes) {
  const HeaderNumbers header(bytes, false);
  if (has_chunk(bytes, "VP8X")) {
    const auto width = header.number(24, 3), height = header.number(27, 3);
    if (!width || !height) return std::nullopt;
    return ImageHeader{*width + 1, *height + 1};
  }
  if (has_chunk(bytes, "VP8L")) {
    const auto sizes = header.number(21, 4);
    if (!sizes) return std::nullopt;
    return ImageHeader{(*sizes & 0x3fff) + 1, (*sizes >> 14 & 0x3fff) + 1};
  }
  const auto width = header.number(26, 2), height = header.number(28, 2);
  if (!width || !height) return std::nullopt;
  return ImageHeader{*width & 0x3fff, *height & 0x3fff};
}

std::optional<ImageHeader> probe(const ImageFile& file) {
  switch (image_format(file.bytes, file.name)) {
    case ImageFormat::kPng:
      return probe_png(file.bytes);
    case ImageFormat::kJpeg:
      return probe_jpeg(file.bytes);
    case ImageFormat::kTiff:
      return probe_tiff(file);
    case ImageFormat::kWebp:
      return probe_webp(file.bytes);
    case ImageFormat::kBmp:
      break;
  }
  const auto header = read_bmp_header(file);
  return ImageHeader{header.width, header.height};
}

}  // namespace

ImageHeader probe_image(Bytes bytes, std::string_view name) {
  if (const auto header = probe({bytes, name})) return *header;
  fail_expected({name, "a whole image", "a file that ends within its header"});
}

}  // namespace ccexpert::image

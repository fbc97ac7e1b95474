#include "image/probe.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert {
namespace {

using Bytes = std::span<const uint8_t>;

/// Numbers of a file's header; reading past the end gives nothing.
class Reader {
 public:
  Reader(Bytes bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  std::optional<uint32_t> number(size_t offset, size_t width) const {
    if (offset > bytes_.size() || bytes_.size() - offset < width) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < width; ++i) {
      const size_t place = big_endian_ ? offset + i : offset + width - 1 - i;
      value = value << 8 | bytes_[place];
    }
    return value;
  }

 private:
  Bytes bytes_;
  bool big_endian_;
};

bool starts_with(Bytes bytes, std::string_view magic, size_t offset = 0) {
  return bytes.size() >= offset + magic.size() &&
         std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

std::optional<ImageHeader> probe_png(Bytes bytes) {
  const Reader reader(bytes, true);
  const auto width = reader.number(16, 4), height = reader.number(20, 4);
  if (!width || !height) return std::nullopt;
  ImageHeader header{"PNG", *width, *height, false};
  // Chunk after chunk: a whole file ends with IEND.
  for (size_t at = 8; const auto length = reader.number(at, 4);) {
    const size_t end = at + 12 + *length;
    if (end > bytes.size()) break;
    if (starts_with(bytes, "IEND", at + 4)) {
      header.complete = true;
      break;
    }
    at = end;
  }
  return header;
}

/// Whether a JPEG's end marker stands behind `from`; within image data a 0xff is never followed by 0xd9.
bool has_jpeg_end(Bytes bytes, size_t from) {
  for (size_t i = bytes.size(); i >= from + 2; --i) {
    if (bytes[i - 2] == 0xff && bytes[i - 1] == 0xd9) return true;
  }
  return false;
}

std::optional<ImageHeader> probe_jpeg(Bytes bytes) {
  const Reader reader(bytes, true);
  for (size_t at = 2; const auto marker = reader.number(at, 2);) {
    if (*marker == 0xffff) {  // fill byte
      ++at;
      continue;
    }
    const auto length = reader.number(at + 2, 2);
    if (!length || *length < 2 || (*marker >> 8) != 0xff) return std::nullopt;
    const uint32_t code = *marker & 0xff;
    const bool frame = code >= 0xc0 && code <= 0xcf && code != 0xc4 && code != 0xc8 && code != 0xcc;
    if (frame) {
      const auto height = reader.number(at + 5, 2), width = reader.number(at + 7, 2);
      if (!height || !width) return std::nullopt;
      return ImageHeader{"JPEG", *width, *height, has_jpeg_end(bytes, at)};
    }
    at += 2 + *length;
  }
  return std::nullopt;
}

std::optional<ImageHeader> probe_bmp(Bytes bytes) {
  const Reader reader(bytes, false);
  const auto start = reader.number(10, 4), header_size = reader.number(14, 4);
  if (!start || !header_size) return std::nullopt;
  const bool old = *header_size == 12;
  const auto width = reader.number(18, old ? 2 : 4), height = reader.number(old ? 20 : 22, old ? 2 : 4);
  const auto bits = reader.number(old ? 24 : 28, 2);
  if (!width || !height || !bits) return std::nullopt;
  // A negative height says that rows run from top to bottom.
  ImageHeader header{"BMP", static_cast<int32_t>(*width), std::llabs(static_cast<int32_t>(*height)), true};
  const bool compressed = !old && reader.number(30, 4).value_or(0) != 0;
  if (!compressed && header.width > 0 && header.width < (1 << 24)) {
    const int64_t row = (header.width * *bits + 31) / 32 * 4;
    header.complete =
        header.height <= (static_cast<int64_t>(bytes.size()) - *start) / std::max<int64_t>(row, 1);
  }
  return header;
}

/// Photometric interpretations that OpenCV takes for other colours than they are: CIELab and its kin.
bool is_lab(uint32_t photometric) {
  return photometric >= 8 && photometric <= 10;
}

std::optional<ImageHeader> probe_tiff(Bytes bytes, std::string_view name) {
  const Reader reader(bytes, bytes[0] == 'M');
  const auto directory = reader.number(4, 4);
  const auto count = directory ? reader.number(*directory, 2) : std::nullopt;
  if (!count) return std::nullopt;
  ImageHeader header{"TIFF", -1, -1, true};
  for (uint32_t i = 0; i < *count; ++i) {
    const size_t entry = size_t{*directory} + 2 + size_t{12} * i;
    const auto tag = reader.number(entry, 2), type = reader.number(entry + 2, 2);
    if (!tag || !type) return std::nullopt;
    const auto value = reader.number(entry + 8, *type == 3 ? 2 : 4);
    if (!value) return std::nullopt;
    if (*tag == 256) header.width = *value;
    if (*tag == 257) header.height = *value;
    if (*tag == 262 && is_lab(*value))
      fail({name, "a TIFF in grey, RGB, a palette, CMYK or YCbCr", "one in CIELab", "convert it to RGB"});
  }
  return header.width < 0 || header.height < 0 ? std::nullopt : std::optional(header);
}

std::optional<ImageHeader> probe_webp(Bytes bytes) {
  const Reader reader(bytes, false);
  const auto riff = reader.number(4, 4);
  ImageHeader header{"WebP", 0, 0, riff && *riff <= bytes.size() - 8};
  if (starts_with(bytes, "VP8X", 12)) {
    const auto width = reader.number(24, 3), height = reader.number(27, 3);
    if (!width || !height) return std::nullopt;
    header.width = *width + 1;
    header.height = *height + 1;
  } else if (starts_with(bytes, "VP8L", 12)) {
    const auto sizes = reader.number(21, 4);
    if (!sizes) return std::nullopt;
    header.width = (*sizes & 0x3fff) + 1;
    header.height = (*sizes >> 14 & 0x3fff) + 1;
  } else {
    const auto width = reader.number(26, 2), height = reader.number(28, 2);
    if (!width || !height) return std::nullopt;
    header.width = *width & 0x3fff;
    header.height = *height & 0x3fff;
  }
  return header;
}

}  // namespace

ImageHeader probe_image(Bytes bytes, std::string_view name) {
  std::optional<ImageHeader> header;
  if (starts_with(bytes, "\x89PNG\r\n\x1a\n")) {
    header = probe_png(bytes);
  } else if (starts_with(bytes, "\xff\xd8\xff")) {
    header = probe_jpeg(bytes);
  } else if (starts_with(bytes, "BM")) {
    header = probe_bmp(bytes);
  } else if (starts_with(bytes, std::string_view("II*\0", 4)) ||
             starts_with(bytes, std::string_view("MM\0*", 4))) {
    header = probe_tiff(bytes, name);
  } else if (starts_with(bytes, "RIFF") && starts_with(bytes, "WEBP", 8)) {
    header = probe_webp(bytes);
  } else {
    fail({name, "a PNG, JPEG, TIFF, BMP or WebP image", bytes.empty() ? "an empty file" : "other data"});
  }
  if (!header) fail({name, "a whole image", "a file that ends within its header"});
  return *header;
}

}  // namespace ccexpert

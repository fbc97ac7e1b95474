#include "image/format.h"

#include <algorithm>
#include <array>
#include <optional>

#include <ccexpert/core/error.h>

#include "core/file_kind.h"

namespace ccexpert::image {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kExpected = "a PNG, JPEG, TIFF, BMP or WebP image";

std::optional<ImageFormat> known_format(std::string_view head) {
  if (head.starts_with("\x89PNG\r\n\x1a\n")) return ImageFormat::kPng;
  if (head.starts_with("\xff\xd8\xff")) return ImageFormat::kJpeg;
  if (head.starts_with("BM")) return ImageFormat::kBmp;
  // The fourth byte, or the third, is 42; 43 in a BigTIFF.
  constexpr std::array kTiffHeads{"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv};
  for (const auto magic : kTiffHeads) {
    if (head.starts_with(magic)) return ImageFormat::kTiff;
  }
  if (head.starts_with("RIFF") && head.size() >= 12 && head.substr(8, 4) == "WEBP") return ImageFormat::kWebp;
  return std::nullopt;
}

/// Signatures of unsupported image formats.
struct OtherFormat {
  std::string_view magic;
  size_t offset;
  std::string_view name;
};

constexpr std::array kOtherFormats{
    OtherFormat{"GIF8"sv, 0, "a GIF image"},
    OtherFormat{"\0\0\0\x0cjP  "sv, 0, "a JPEG 2000 image"},
    OtherFormat{"\xff\x4f\xff\x51"sv, 0, "a JPEG 2000 image"},
    OtherFormat{"ftypavif"sv, 4, "an AVIF image"},
    OtherFormat{"ftyphei"sv, 4, "a HEIC image"},
    OtherFormat{"ftypmif1"sv, 4, "a HEIC image"},
    OtherFormat{"8BPS"sv, 0, "a Photoshop document"},
    OtherFormat{"NITF"sv, 0, "a NITF image"},
    OtherFormat{"\x89HDF\r\n\x1a\n"sv, 0, "an HDF5 file"},
    OtherFormat{"CDF"sv, 0, "a NetCDF file"},
    OtherFormat{"P5"sv, 0, "a PNM image"},
    OtherFormat{"P6"sv, 0, "a PNM image"},
};

std::string_view other_name(std::string_view head) {
  for (const auto& other : kOtherFormats) {
    if (head.size() > other.offset && head.substr(other.offset).starts_with(other.magic)) return other.name;
  }
  return {};
}

}  // namespace

ImageFormat image_format(std::span<const uint8_t> bytes, std::string_view name) {
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), kFileHeadBytes));
  if (const auto format = known_format(head)) return *format;
  if (const auto other = other_name(head); !other.empty())
    fail_expected({name, kExpected, other, "convert it to PNG or TIFF"});
  refuse_other_kind(head, name, kExpected);
  fail_expected({name, kExpected, "other data"});
}

}  // namespace ccexpert::image

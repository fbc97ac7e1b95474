#include <string>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/image/decode.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "image/codec.h"
#include "image/format.h"

namespace ccexpert::image {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 30;

}  // namespace

Image blank_image(int64_t width, int64_t height, std::string_view name) {
  const auto sizes = fmt::format("{} x {} pixels", width, height);
  if (width < 1 || height < 1) fail_expected({name, "at least 1 x 1 pixels", sizes});
  if (width > kMaxImagePixels / height)
    fail_expected(
        {name, fmt::format("at most {} pixels", kMaxImagePixels), sizes, "cut it into tiles first"});
  return {height, width, std::vector<uint8_t>(static_cast<size_t>(3 * width * height))};
}

uint8_t* row_of(Image& image, int64_t y) {
  return image.pixels.data() + 3 * image.width * y;
}

void fail_damaged(const ImageFile& file, std::string_view format, std::string_view reason) {
  fail_expected({file.name, fmt::format("a whole {} image", format), "damaged data", reason});
}

void fail_truncated(const ImageFile& file, std::string_view format) {
  fail_expected({file.name, fmt::format("a whole {} image", format), "a truncated file"});
}

namespace {

DecodedImage decoded(const ImageFile& file) {
  switch (image_format(file.bytes, file.name)) {
    case ImageFormat::kPng:
      return {decode_png(file)};
    case ImageFormat::kJpeg:
      return decode_jpeg(file);
    case ImageFormat::kTiff:
      return {decode_tiff(file)};
    case ImageFormat::kWebp:
      return {decode_webp(file)};
    case ImageFormat::kBmp:
      break;
  }
  return {decode_bmp(file)};
}

Image with_logged_warning(DecodedImage decoded) {
  if (!decoded.warning.empty()) log::warning(decoded.warning);
  return std::move(decoded.image);
}

}  // namespace

Image decode_image(std::span<const uint8_t> bytes, std::string_view name) try {
  return with_logged_warning(decoded({bytes, name}));
} catch (...) {
  rethrow_as_error();
}

DecodedImage decode_with_warning(const std::filesystem::path& path) try {
  const std::string bytes = read_file(path, kMaxFileBytes);
  const auto name = path.string();
  return decoded({{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, name});
} catch (...) {
  rethrow_as_error();
}

Image decode_image(const std::filesystem::path& path) try {
  return with_logged_warning(decode_with_warning(path));
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::image

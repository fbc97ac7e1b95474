#include "datasets/sources/image_size.h"

#include <optional>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "datasets/sources/source.h"
#include "image/shared/probe.h"

namespace ccexpert::datasets {
namespace {

std::optional<ImageSize> size_in_header(const std::filesystem::path& file) {
  const auto bytes = beginning_of(file);
  try {
    const auto header =
        image::probe_image({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, file.string());
    return ImageSize{header.height, header.width};
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

std::string text_of(const ImageSize& size) {
  return fmt::format("{} x {}", size.width, size.height);
}

ImageSize image_size(const std::filesystem::path& file) {
  if (const auto size = size_in_header(file)) return *size;
  const auto image = image::decode_image(file);
  return {image.height, image.width};
}

}  // namespace ccexpert::datasets

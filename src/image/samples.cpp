#include "image/samples.h"

#include <array>
#include <atomic>

#include <fmt/format.h>

#include <ccexpert/core/log.h>

namespace ccexpert::image {

void put_cmyk(const uint8_t* cmyk, uint8_t* rgb) {
  const int paper = 255 - cmyk[3];
  for (size_t c = 0; c < 3; ++c) {
    // cmyk[c] * paper / 255, rounded.
    const int product = cmyk[c] * paper + 128;
    rgb[c] = static_cast<uint8_t>(std::clamp(paper - ((product >> 8) + product) / 256, 0, 255));
  }
}

namespace {

struct Extremes {
  bool dark = false;   ///< no sample above 15
  bool white = false;  ///< more than half of the samples are 255
};

Extremes extremes_of(const Image& image) {
  std::array<size_t, 256> counts{};
  for (const auto sample : image.pixels) ++counts[sample];
  size_t dark = 0;
  for (size_t value = 0; value < 16; ++value) dark += counts[value];
  return {dark == image.pixels.size() && counts[0]<dark, counts[255]> image.pixels.size() / 2};
}

}  // namespace

void hint_at_stretch(const Image& image, std::string_view name) {
  static std::atomic_flag hinted;
  const auto extremes = extremes_of(image);
  if ((!extremes.dark && !extremes.white) || hinted.test_and_set()) return;
  log::warning(fmt::format(
      "{}: its samples have more than 8 bits and come out {} (stretch such images to 8 bits first, "
      "as gdal_translate -ot Byte -scale does; logged once)",
      name, extremes.dark ? "almost black" : "mostly white"));
}

}  // namespace ccexpert::image

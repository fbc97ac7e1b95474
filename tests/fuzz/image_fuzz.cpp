// Images of all formats: the decoded size must be that of the header.
#include <ccexpert/image/decode.h>

#include "fuzz/target.h"
#include "image/shared/probe.h"

namespace {

// Larger images only slow the search down.
constexpr int64_t kMostPixels = int64_t{1} << 22;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ccexpert;
  image::ImageHeader header;
  const std::span bytes(data, size);
  const bool probed = fuzz::reads([&] { header = image::probe_image(bytes, "x"); });
  if (probed && (header.width <= 0 || header.height <= 0 || header.width > kMostPixels / header.height))
    return 0;
  fuzz::reads([&] {
    const auto image = image::decode_image(bytes, "x");
    fuzz::expect(probed, "what is decoded has a header");
    fuzz::expect(image.width == header.width && image.height == header.height,
                 "the header's size is the image's");
    fuzz::expect(image.pixels.size() == static_cast<size_t>(3 * image.width * image.height),
                 "there are as many pixels as the sides say");
  });
  return 0;
}

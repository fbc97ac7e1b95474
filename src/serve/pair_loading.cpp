#include "serve/pair_loading.h"

#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "image/shared/probe.h"
#include "serve/replies.h"

namespace ccexpert::serve {
namespace {

constexpr int64_t kColours = 3;

/// Returns the number of pixels that the file's header declares.
int64_t pixels_of(const PairFile& file, int64_t most) {
  if (file.bytes().empty()) fail_expected({file.name, "an image", "none"});
  const auto header = image::probe_image(file.bytes(), file.name);
  if (header.width <= 0 || header.height <= 0) return 0;
  if (header.width > most / header.height) {
    fail_expected({file.name, fmt::format("at most {} pixels", most),
                   fmt::format("{} x {}", header.width, header.height),
                   "ccexpert-map captions whole scenes"});
  }
  return header.width * header.height;
}

}  // namespace

void load_pair(const Asking& asking, AskedCaption& asked, const PairLimits& limits) {
  const auto& request = asked.job.request;
  asking.captions->expect_place(request.client);
  auto& [before, after] = asked.files;
  const auto pixels = pixels_of(before, limits.max_pixels) + pixels_of(after, limits.max_pixels);
  auto pair = std::make_shared<DecodedPair>();
  pair->memory = limits.memory.take(kColours * pixels, [&] { asking.expect_client(request); });
  pair->before = image::decode_image(before.bytes(), before.name);
  pair->after = image::decode_image(after.bytes(), after.name);
  asked.files = {};
  asked.after_height = pair->after.height;
  asked.after_width = pair->after.width;
  asked.job.pair = std::move(pair);
  asking.exchange.release_body();
}

}  // namespace ccexpert::serve

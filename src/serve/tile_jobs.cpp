#include "serve/tile_jobs.h"

#include <algorithm>
#include <utility>

namespace ccexpert::serve {
namespace {

image::Image copy_of(const image::ImageView& view) {
  image::Image copy{view.height, view.width, {}};
  const auto row = static_cast<size_t>(3 * view.width);
  copy.pixels.resize(static_cast<size_t>(view.height) * row);
  for (int64_t y = 0; y < view.height; ++y)
    std::copy_n(view.data + y * view.stride, row, copy.pixels.begin() + y * static_cast<int64_t>(row));
  return copy;
}

}  // namespace

std::shared_ptr<const DecodedPair> TileJobs::decoded(const ImagePair& pair) const {
  const auto bytes_of = [](const image::ImageView& image) { return 3 * image.height * image.width; };
  auto decoded = std::make_shared<DecodedPair>();
  decoded->memory =
      memory_.take(bytes_of(pair.before) + bytes_of(pair.after), [this] { asking_.expect_client(each_); });
  decoded->before = copy_of(pair.before);
  decoded->after = copy_of(pair.after);
  return decoded;
}

std::vector<generate::ServedCaption> TileJobs::run(std::span<const ImagePair> pairs, bool place_only) try {
  if (error_) return {};
  auto request = each_;
  request.place_only = place_only;
  return awaited_all(asking_, request,
                     {.count = pairs.size(), .pair = [&](size_t i) { return decoded(pairs[i]); }});
} catch (...) {
  error_ = std::current_exception();
  stop_.request_stop();
  return {};
}

TileModel TileJobs::model() {
  const auto& facts = asking_.captions->facts();
  return {.caption =
              [this](std::span<const ImagePair> pairs) {
                std::vector<Caption> captions;
                for (auto& each : run(pairs, false)) captions.push_back(std::move(each));
                return captions;
              },
          .locate =
              [this](std::span<const ImagePair> pairs) {
                std::vector<LocatedChange> places;
                for (auto& each : run(pairs, true)) places.push_back(std::move(each.change.value()));
                return places;
              },
          .changed_from = facts.calibrated ? std::optional(facts.change_threshold) : std::nullopt};
}

void TileJobs::rethrow() const {
  if (error_) std::rethrow_exception(error_);
}

}  // namespace ccexpert::serve

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

std::vector<FinishedCaption> TileJobs::run(std::span<const ImagePair> pairs, bool locate) try {
  if (error_) return {};
  std::vector<CaptionJob> jobs;
  for (const auto& pair : pairs) {
    auto& job = jobs.emplace_back(each_);
    job.pair = std::make_shared<DecodedPair>(
        DecodedPair{.before = copy_of(pair.before), .after = copy_of(pair.after)});
    job.locate = locate;
    // The place needs no caption, and the pair's encoding is kept for the tiles that get one.
    if (locate) job.generation.max_new_tokens = 1;
  }
  return awaited_all(asking_, jobs);
} catch (...) {
  error_ = std::current_exception();
  stop_.request_stop();
  return {};
}

TileModel TileJobs::model() {
  const auto& facts = asking_.captions.facts();
  return {.caption =
              [this](std::span<const ImagePair> pairs) {
                std::vector<Caption> captions;
                for (auto& each : run(pairs, false)) captions.push_back(std::move(each.caption));
                return captions;
              },
          .locate =
              [this](std::span<const ImagePair> pairs) {
                std::vector<LocatedChange> places;
                for (auto& each : run(pairs, true)) places.push_back(std::move(each.caption.change.value()));
                return places;
              },
          .changed_from = facts.calibrated ? std::optional(facts.change_threshold) : std::nullopt};
}

void TileJobs::rethrow() const {
  if (error_) std::rethrow_exception(error_);
}

}  // namespace ccexpert::serve

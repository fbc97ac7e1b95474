#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/foreign_errors.h"
#include "core/json.h"
#include "core/threads.h"
#include "datasets/examine/hash_index.h"
#include "datasets/lists/universal.h"
#include "datasets/options.h"
#include "datasets/parallel.h"
#include "datasets/shared/validate.h"
#include "datasets/sources/change_map.h"
#include "datasets/sources/sink.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using data::ChangeExample;
using nlohmann::ordered_json;

std::vector<ChangeExample> pairs_of(const fs::path& path, const fs::path& root) {
  std::vector<ChangeExample> pairs;
  for (const auto& list : lists_of(path)) {
    visit_examples(list, root, [&](ChangeExample&& pair, const std::string& /*where*/) {
      pair.captions.clear();
      pairs.push_back(std::move(pair));
    });
  }
  return pairs;
}

/// Place and hash of a tile.
struct TileHash {
  Window window;
  PairHash hash;
};

/// Returns the whole image, and its tiles if it is at least two tiles wide or high.
std::vector<Window> tiles_of(const image::Image& image, int64_t tile) {
  std::vector<Window> windows{{0, 0, image.height, image.width}};
  if (tile <= 0 || std::max(image.height, image.width) < 2 * tile) return windows;
  for (int64_t top = 0; top + tile <= image.height; top += tile) {
    for (int64_t left = 0; left + tile <= image.width; left += tile)
      windows.push_back({top, left, tile, tile});
  }
  return windows;
}

image::ImageView view_of(const image::Image& image, const Window& window) {
  const auto whole = image.view();
  return {whole.data + window.top * whole.stride + 3 * window.left, window.height, window.width,
          whole.stride};
}

struct Hashed {
  std::vector<TileHash> tiles = {};
  int64_t side = 0;  ///< longer side of the before image
  bool readable = true;
};

Hashed hashed(const ChangeExample& pair, int64_t tile) {
  try {
    const auto before = image::decode_image(pair.before), after = image::decode_image(pair.after);
    Hashed result{.side = std::max(before.height, before.width)};
    const bool alike = before.height == after.height && before.width == after.width;
    for (const auto& window : tiles_of(before, alike ? tile : 0)) {
      const auto of_after = alike ? window : Window{0, 0, after.height, after.width};
      result.tiles.push_back({window, {hash_of(view_of(before, window)), hash_of(view_of(after, of_after))}});
    }
    return result;
  } catch (const Fault&) {
    throw;
  } catch (const Error&) {
    return {.readable = false};
  }
}

/// Pairs that others are compared with.
struct Reference {
  HashIndex index;
  std::vector<std::string> uids;
  int64_t side = 0;  ///< median side of their images
  int64_t unreadable = 0;
};

Reference reference_of(const std::vector<ChangeExample>& pairs, int64_t jobs) {
  Reference reference;
  std::vector<int64_t> sides;
  parallel_ordered(
      static_cast<int64_t>(pairs.size()), jobs,
      [&](int64_t i) { return hashed(pairs[static_cast<size_t>(i)], 0); },
      [&](int64_t i, Hashed&& each) {
        if (!each.readable) {
          ++reference.unreadable;
          return;
        }
        reference.index.add(each.tiles.front().hash);
        reference.uids.push_back(pairs[static_cast<size_t>(i)].uid);
        sides.push_back(each.side);
      });
  if (sides.empty()) fail_expected({"against", "at least one readable pair", "none"});
  std::nth_element(sides.begin(), sides.begin() + static_cast<std::ptrdiff_t>(sides.size() / 2), sides.end());
  reference.side = sides[sides.size() / 2];
  return reference;
}

/// Overlaps of a pair with the reference.
struct Compared {
  std::vector<Overlap> overlaps = {};
  bool readable = true;
};

Compared compare(const ChangeExample& pair, const Reference& reference, const OverlapOptions& options) {
  const auto tile = options.tile > 0 ? options.tile : reference.side;
  const auto each = hashed(pair, tile);
  Compared result{.overlaps = {}, .readable = each.readable};
  for (const auto& [window, hash] : each.tiles) {
    const auto found = reference.index.find(hash, options.distance, true);
    if (!found) continue;
    const char* part = found->before && found->after ? "both" : found->before ? "before" : "after";
    result.overlaps.push_back(
        {pair.uid, reference.uids[found->number], part, found->distance, window.top, window.left});
  }
  return result;
}

}  // namespace

void OverlapOptions::validate() const {
  check_threads("jobs", jobs);
  check_options(*this);
}

OverlapReport find_overlaps(const fs::path& list, const fs::path& against, const OverlapOptions& options,
                            const std::function<void(int64_t)>& done, std::stop_token stop) try {
  options.validate();
  const auto pairs = pairs_of(list, options.image_root), others = pairs_of(against, options.against_root);
  const auto reference = reference_of(others, options.jobs);
  OverlapReport report{.pairs = static_cast<int64_t>(pairs.size()),
                       .other_pairs = static_cast<int64_t>(others.size()),
                       .unreadable = reference.unreadable};
  try {
    parallel_ordered(
        report.pairs, options.jobs,
        [&](int64_t i) { return compare(pairs[static_cast<size_t>(i)], reference, options); },
        [&, stop = std::move(stop)](int64_t i, Compared&& each) {
          if (stop.stop_requested()) throw Stopped{};
          if (!each.readable) {
            ++report.unreadable;
            report.unreadable_uids.push_back(pairs[static_cast<size_t>(i)].uid);
          }
          report.overlaps.insert(report.overlaps.end(), each.overlaps.begin(), each.overlaps.end());
          if (done) done(1);
        });
  } catch (const Stopped&) {
    report.interrupted = true;
  }
  return report;
} catch (...) {
  rethrow_as_error();
}

std::string overlap_json(const OverlapReport& report) {
  auto overlaps = ordered_json::array();
  for (const auto& each : report.overlaps) {
    overlaps.push_back({{"uid", each.uid},
                        {"other_uid", each.other_uid},
                        {"part", each.part},
                        {"distance", each.distance},
                        {"top", each.top},
                        {"left", each.left}});
  }
  const ordered_json json{{"pairs", report.pairs},
                          {"other_pairs", report.other_pairs},
                          {"unreadable", report.unreadable},
                          {"unreadable_uids", report.unreadable_uids},
                          {"overlaps", overlaps}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace ccexpert::datasets

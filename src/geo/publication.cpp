#include "geo/publication.h"

#include <algorithm>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr size_t kListedErrors = 100;

}  // namespace

void Totals::add(const TileResult& tile) {
  ++summary.tiles;
  count(tile, summary);
  if (!tile.skipped && !tile.error.empty()) tell(tile.tile, tile.error);
}

void Totals::tell(int64_t tile, const std::string& error) {
  if (errors.size() < kListedErrors) errors.push_back({{"tile", tile}, {"error", error}});
}

void add_or_leave_out(int64_t tile, Totals& totals, const std::function<void()>& add) try {
  add();
} catch (const Fault&) {
  throw;
} catch (const Error& error) {
  if (error.kind() != ErrorKind::kInput) throw;
  totals.tell(tile, std::string("has changed ground that is left out: ") + error.what());
}

PublicationFiles::PublicationFiles(std::span<const JournalReader> journals, const fs::path& to)
    : plan(journals.front().plan()),
      found(in_order(journals)),
      output(to),
      tiling(plan.grid, plan.tile),
      overview(plan.grid, std::max(plan.tile.width, plan.tile.height)),
      work(to),
      files(work.path(), to.filename(), plan.grid) {}

fs::path PublicationFiles::in_work(const char* ending) const {
  return work.path() / beside(output, ending).filename();
}

Ring PublicationFiles::frame(TileResult& tile) const {
  if (tile.skipped) return {};
  auto ring = frame_of(files, tiling.window(tile.tile));
  if (ring.empty() && tile.error.empty())
    tile.error = "has no longitude and latitude, which the format needs";
  return ring;
}

image::Image PublicationFiles::black() const {
  return {overview.height, overview.width,
          std::vector<uint8_t>(static_cast<size_t>(3 * overview.width * overview.height))};
}

void PublicationFiles::place(const TileResult& tile, std::span<image::Image> dates) const {
  for (size_t i = 0; i < std::min(tile.pictures.size(), dates.size()); ++i)
    geo::place(tile.pictures[i], tiling.own_part(tile.tile), overview, dates[i]);
}

ordered_json common_summary(const PublicationFiles& files, const MapSummary& counts) {
  const auto& plan = files.plan;
  return {{"output", files.output.filename().string()},
          {"pixels", {plan.grid.width, plan.grid.height}},
          {"tile_pixels", {plan.tile.width, plan.tile.height}},
          {"overlap_pixels", {plan.tile.overlap_x, plan.tile.overlap_y}},
          {"threshold", plan.threshold},
          {"tiles",
           {{"all", counts.tiles},
            {"captioned", counts.captioned},
            {"below_threshold", counts.quiet},
            {"skipped", counts.skipped},
            {"failed", counts.failed}}}};
}

}  // namespace ccexpert::geo

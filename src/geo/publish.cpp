#include "geo/publish.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <vector>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/atomic_file.h"
#include "core/files.h"
#include "geo/tiling.h"
#include "geo/vector_file.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// Most errors that the summary lists; the layer has all of them.
constexpr size_t kListedErrors = 100;

fs::path summary_path(const fs::path& output) {
  return fs::path(output).replace_extension(".summary.json");
}

/// Folder for files under construction, which is removed at the end.
class WorkFolder {
 public:
  explicit WorkFolder(const fs::path& output) {
    remove_leftovers(output);
    path_ = temporary_beside(output);
    make_folder(path_);
  }
  ~WorkFolder() {
    std::error_code code;
    fs::remove_all(path_, code);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void flush_file(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool flushed = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int code = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!flushed) fail_system(path.string(), "cannot be written", code);
}

/// Moves all files of a folder beside the output.
void move_files(const fs::path& from, const fs::path& to) {
  for (const auto& entry : fs::directory_iterator(from)) {
    flush_file(entry.path());
    std::error_code code;
    fs::rename(entry.path(), to / entry.path().filename(), code);
    if (code) fail_system((to / entry.path().filename()).string(), "cannot be written", code.value());
  }
  flush_folder(to);
}

/// Result of a tile in one of the journals.
struct Found {
  const JournalReader* journal = nullptr;
  JournalReader::Line line;
};

/// Returns the results of all journals in the order of the tiles.
std::vector<Found> in_order(std::span<const JournalReader> journals) {
  std::vector<Found> all;
  for (const auto& journal : journals) {
    for (const auto& line : journal.lines()) all.push_back({&journal, line});
  }
  std::ranges::sort(all, {}, [](const Found& found) { return found.line.tile; });
  return all;
}

std::vector<FieldKind> tile_fields() {
  return {{"tile", OFTInteger64}, {"caption"}, {"logprob", OFTReal}, {"area_m2", OFTReal}, {"valid", OFTReal},
          {"masked", OFTReal},    {"error"}};
}

double rounded(double value, double unit) {
  return std::round(value / unit) * unit;
}

/// Counts of a map while its layers are written.
struct Totals {
  MapSummary summary;
  double valid = 0.0;
  double masked = 0.0;
  double area = 0.0;
  ordered_json errors = ordered_json::array();

  void count(const TileResult& result) {
    ++summary.tiles;
    valid += result.valid;
    masked += result.masked;
    if (result.skipped) {
      ++summary.skipped;
    } else if (result.error.empty()) {
      ++summary.captioned;
    } else {
      ++summary.failed;
      if (errors.size() < kListedErrors) errors.push_back({{"tile", result.tile}, {"error", result.error}});
    }
  }
  double share(double sum) const {
    return summary.tiles == 0 ? 0.0 : rounded(sum / static_cast<double>(summary.tiles), 1e-6);
  }
};

void add_tile(VectorLayer& layer, const TileResult& result, const Window& window, double area) {
  const bool failed = !result.error.empty();
  const FieldValue none;
  layer.add({{ring_of(window)}}, {result.tile, failed ? none : FieldValue(result.caption),
                                  failed ? none : FieldValue(rounded(result.logprob, 1e-6)),
                                  rounded(area, 1e-2), rounded(result.valid, 1e-6),
                                  rounded(result.masked, 1e-6), failed ? FieldValue(result.error) : none});
}

std::string summary_text(const Plan& plan, const fs::path& output, const Totals& totals) {
  const auto& counts = totals.summary;
  const ordered_json json{{"before", plan.before},
                          {"after", plan.after},
                          {"output", output.filename().string()},
                          {"pixels", {plan.grid.width, plan.grid.height}},
                          {"tile_pixels", {plan.tile.width, plan.tile.height}},
                          {"overlap_pixels", {plan.tile.overlap_x, plan.tile.overlap_y}},
                          {"tiles",
                           {{"all", counts.tiles},
                            {"captioned", counts.captioned},
                            {"skipped", counts.skipped},
                            {"failed", counts.failed}}},
                          {"valid_share", totals.share(totals.valid)},
                          {"masked_share", totals.share(totals.masked)},
                          {"captioned_area_m2", rounded(totals.area, 1.0)},
                          {"errors", totals.errors}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::vector<fs::path> published_files(const fs::path& output) {
  return {output, summary_path(output)};
}

MapSummary publish(std::span<const JournalReader> journals, const fs::path& output) {
  const auto& plan = journals.front().plan();
  const Tiling tiling(plan.grid, plan.tile);
  const WorkFolder work(output);
  VectorFiles files(work.path(), output.filename(), plan.grid);
  auto layer = files.layer("tiles", tile_fields());
  Totals totals;
  for (const auto& found : in_order(journals)) {
    const auto result = found.journal->read(found.line);
    totals.count(result);
    if (result.skipped) continue;
    const auto window = tiling.window(result.tile);
    const double area = files.ground().area({ring_of(window, 8)});
    if (result.error.empty()) totals.area += area;
    add_tile(layer, result, window, area);
  }
  files.close();
  write_file(work.path() / summary_path(output).filename(), summary_text(plan, output, totals));
  move_files(work.path(), output.has_parent_path() ? output.parent_path() : fs::path("."));
  return totals.summary;
}

}  // namespace ccexpert::geo

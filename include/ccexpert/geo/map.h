/// Captions of the changes between two georeferenced scenes of any size, as layers for a GIS.
///
///     auto captioner = ccexpert::Captioner::load("checkpoints/ccexpert-0.5b");
///     ccexpert::geo::map_scene({.before = "2018.tif", .after = "2023.tif", .output = "changes.gpkg"},
///                              ccexpert::geo::model_of(captioner));
///
/// No GDAL type appears here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include <ccexpert/captioner.h>
#include <ccexpert/core/names.h>
#include <ccexpert/geo/values.h>

namespace ccexpert::geo {

/// Handling of small shifts between the dates, which are estimated for each block of 4 x 4 tiles.
enum class Registration {
  kOff,
  kReport,   ///< fills the fields shift_x and shift_y
  kCorrect,  ///< and moves the second date by them
};
constexpr auto names_of(Registration) {
  return std::to_array<Name<Registration>>(
      {{Registration::kOff, "off"}, {Registration::kReport, "report"}, {Registration::kCorrect, "correct"}});
}

/// Date of a series.
struct SceneDate {
  std::string name;       ///< unique within the series
  std::string raster;     ///< by any name that GDAL opens
  std::string time = {};  ///< as 2019-05-01T00:00:00Z; empty: unknown

  bool operator==(const SceneDate&) const = default;
};

/// Inputs, tiles and outputs of a map.
struct MapOptions {
  std::string before;  ///< raster of the first date, by any name that GDAL opens; its grid is the map's
  std::string after;   ///< raster of the second date, warped to that grid if it has another
  /// Dates in the order of time, in place of before and after, all on the grid of the first. Consecutive
  /// dates are compared, and the first with the last.
  std::vector<SceneDate> series = {};
  std::filesystem::path output;  ///< .gpkg, .geojson, .fgb or .csv

  Length tile = {256.0};   ///< side of a tile
  Length overlap = {0.0};  ///< of neighbouring tiles; below half of a tile
  std::vector<int64_t> bands =
      {};                ///< red, green and blue, or one band; empty: chosen by colour interpretation
  Stretch stretch = {};  ///< conversion to 8 bits
  bool match_radiometry = false;  ///< gives the second date the mean and contrast of the first, per band
  Registration registration = Registration::kOff;  ///< of the dates to one another
  std::vector<std::string> masks = {};  ///< rasters of any grid, not 0 at pixels to skip, such as clouds
  std::string area = {};                ///< vector file with the area of interest; empty: the whole scene
  double min_valid = 0.5;               ///< smallest share of valid pixels of a tile; others are skipped

  /// Score from which a tile is captioned. Unset: 0.5 if the model is calibrated, else every tile is: raw
  /// scores of models differ.
  std::optional<double> threshold = {};
  /// Smallest value of changed ground in a tile's map. Unset: the calibration's, else kChangedFrom.
  std::optional<double> changed_from = {};

  bool check_swap = false;             ///< fills the field `unsure` (CaptionOptions::check_swap)
  std::filesystem::path heatmap = {};  ///< Cloud-Optimised GeoTIFF to write; empty: none
  std::filesystem::path report = {};   ///< page with a card for each changed tile; empty: none
  bool words = false;  ///< gives the words of captions their places in the report (CaptionOptions::words)
  bool merge = false;  ///< joins changed ground that reaches over several tiles

  int64_t batch = 8;              ///< tiles in flight at once
  int64_t cache_megabytes = 128;  ///< GDAL's cache of blocks
  Shard shard = {};               ///< other than 1/1: only these tiles, for merge_shards
  bool resume = false;            ///< continues an interrupted map
  bool overwrite = false;         ///< replaces existing files
  std::string settings = {};  ///< identifies model and options of captions; a resumed map must have the same
};

/// Value of changed ground for a model without calibration, as Captioner::change_threshold has it.
inline constexpr double kChangedFrom = 0.5;

/// Model of a map, called by one thread.
struct MapModel {
  std::function<std::vector<Caption>(std::span<const ImagePair>)> caption = {};  ///< captions of pairs
  /// Place and strength of the change of each pair, without captions; nothing after a stop.
  std::function<std::vector<LocatedChange>(std::span<const ImagePair>)> locate = {};
  /// Smallest value of changed ground in the maps of `locate`; nothing without calibration.
  std::function<std::optional<double>()> changed_from = {};
  /// True for a caption that tells of no change.
  std::function<bool(const std::string&)> says_unchanged = {};
};

/// Returns the model for a captioner, which must outlive it.
MapModel model_of(const Captioner& captioner, const CaptionOptions& options = {});

/// Counts of tiles.
struct MapSummary {
  int64_t tiles = 0;         ///< of the area of interest; of the shard, if there are several
  int64_t captioned = 0;     ///< tiles with a caption
  int64_t quiet = 0;         ///< score below the threshold: without caption
  int64_t skipped = 0;       ///< too few valid pixels
  int64_t failed = 0;        ///< could not be read; errors are in the layer
  int64_t resumed = 0;       ///< of these, done before this run
  bool interrupted = false;  ///< a signal ended the map
};

/// Reports of a run; each function may be empty.
struct MapReports {
  std::function<void(int64_t tiles, int64_t resumed)> start = {};  ///< before the first tile
  std::function<void(int64_t tiles)> done = {};                    ///< after each batch
  std::function<void(const std::string& line)> note = {};          ///< what the user should know
};

/// Throws Error unless the ending of a file's name is that of a format of layers.
void expect_format(const std::filesystem::path& output);

/// Locates the change of all tiles, captions those over the threshold, and writes `output` with the layers
/// "tiles" and "changes", and a summary and a page beside it. Results are kept
/// in a journal beside the output until then, so that a killed run can resume. Throws Error if a raster has
/// no position on the ground, the dates do not overlap, or files exist that are not to be replaced. A stop
/// request ends the run after the current batch, and keeps the journal.
MapSummary map_scene(const MapOptions& options, const MapModel& model, const MapReports& reports = {},
                     const std::stop_token& stop = {});

/// Merges the shards of processes that run at the same time: the last one to finish its shard writes the
/// output and removes their files. Returns nothing if others are still at work.
std::optional<MapSummary> merge_if_last(const std::filesystem::path& output, const Shard& shard);

/// Writes the output of a map from the files of all its shards. Empty `shards`: those beside the output.
/// Throws Error if a shard is missing or unfinished, or belongs to another map.
MapSummary merge_shards(const std::filesystem::path& output, std::vector<std::filesystem::path> shards,
                        bool overwrite);

}  // namespace ccexpert::geo

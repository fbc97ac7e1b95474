// Results of tiles on disk, from which a killed map resumes and its layers are written.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ccexpert/core/names.h>
#include <ccexpert/image/change_map.h>

#include "core/rounded.h"
#include "geo/append_file.h"
#include "geo/plan.h"
#include "page/report.h"

namespace ccexpert::geo {

/// Two dates of a series.
enum class PairKind {
  kStep,    ///< consecutive dates
  kAround,  ///< dates on both sides of one that may only come and go
  kSpan,    ///< the first against the last date
};
constexpr auto names_of(PairKind) {
  return std::to_array<Name<PairKind>>(
      {{PairKind::kStep, "step"}, {PairKind::kAround, "around"}, {PairKind::kSpan, "span"}});
}

/// Pair of dates of a series, which count from 0.
struct SeriesPair {
  int64_t from = 0;
  int64_t to = 0;
  PairKind kind = PairKind::kStep;
  std::optional<bool> transient = {};  ///< true: the change comes and goes in one date
};

/// Result of a tile, or of one pair of its dates.
struct TileResult {
  int64_t tile = 0;  ///< index in the tiling
  double valid = 0.0;
  double masked = 0.0;
  bool skipped = false;                             ///< too few valid pixels
  std::optional<std::array<double, 2>> shift = {};  ///< of the second date, in pixels
  std::optional<double> score = {};
  std::optional<bool> unsure = {};
  std::optional<bool> changed = {};        ///< by the caption
  bool quiet = false;                      ///< score below the threshold: no caption
  image::ChangeMap map = {};               ///< with values in steps of 1 / kMapSteps
  std::vector<std::string> pictures = {};  ///< of a tile's dates (thumbnail_of)
  std::string caption = {};
  std::vector<page::ReportWord> words = {};  ///< of the caption, for a report, with values as in `map`
  double logprob = 0.0;
  std::string error = {};  ///< reason without caption

  std::optional<SeriesPair> dates = {};         ///< of a pair of a series
  std::vector<TileResult> pairs = {};           ///< of a tile of a series, which has no other findings
  std::vector<page::ReportPicture> cards = {};  ///< of all dates, for a report
};

/// Returns the dates of a pair of a series.
inline const SeriesPair& dates_of(const TileResult& pair) {
  return pair.dates.value();
}

/// True if a tile or a pair tells of a change, false if not; nothing if it was skipped or failed.
std::optional<bool> tells_change(const TileResult& result);

/// Counts a tile as captioned, quiet, skipped or failed.
void count(const TileResult& tile, MapSummary& summary);

/// Steps from 0 to 1 of maps in a journal, so that a resumed map equals an uninterrupted one.
inline constexpr double kMapSteps = 1e3;

/// Returns the value of a map that a journal has for it.
inline float journal_value(float value) {
  return static_cast<float>(rounded(static_cast<double>(value), kMapSteps));
}

/// Handling of a journal that exists.
enum class Existing {
  kRefuse,
  kResume,   ///< removes a partial last line and continues; tiles with an error are to be tried again
  kReplace,  ///< starts again
};

/// JSON Lines: the plan, then the results in the order in which they were found. A run that resumes with
/// another --merge or --heatmap adds its plan, which counts from then on.
class Journal {
 public:
  /// Starts or continues a journal, which no other process can write until this object is destroyed. Throws
  /// Error if the file exists and is to be refused, is of another map, or is being written by another
  /// process.
  Journal(const std::filesystem::path& path, const Plan& plan, Existing existing);

  bool has(int64_t tile) const;
  int64_t size() const { return static_cast<int64_t>(tiles_.size()); }

  /// Appends results and flushes them to disk.
  void write(std::span<const TileResult> results);

 private:
  void start(const Plan& plan);
  void resume(const Plan& plan);

  AppendFile file_;
  std::vector<int64_t> tiles_;  ///< ascending
};

/// Finished or unfinished journal, for reading.
class JournalReader {
 public:
  /// Throws Error for a file that is none.
  explicit JournalReader(const std::filesystem::path& path);

  const Plan& plan() const { return plan_; }
  const std::filesystem::path& path() const { return path_; }
  bool is_complete() const { return static_cast<int64_t>(lines_.size()) == plan_.mine; }

  /// Place of the result of a tile in the file.
  struct Line {
    int64_t tile = 0;
    std::streamoff start = 0;
    bool failed = false;
  };
  /// The last line of each tile, in the order of the tiles.
  const std::vector<Line>& lines() const { return lines_; }
  /// Bytes up to the end of the last whole line.
  std::streamoff whole() const { return whole_; }
  TileResult read(const Line& line) const;

 private:
  void keep_last_lines();

  std::filesystem::path path_;
  Plan plan_;
  std::vector<Line> lines_;
  std::streamoff whole_ = 0;
};

/// Returns the name of the journal of a map or of one of its shards.
std::filesystem::path journal_path(const std::filesystem::path& output, const Shard& shard);

}  // namespace ccexpert::geo

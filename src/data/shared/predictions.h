/// Caption output files, written so that a killed run leaves whole lines and a later run can resume.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/core/names.h>
#include <ccexpert/data/pairs.h>
#include <ccexpert/image/change_map.h>
#include <ccexpert/image/polygons.h>

namespace ccexpert::data {

/// Part of a pair in a series of dates.
enum class SeriesKind {
  kStep,    ///< consecutive dates
  kAround,  ///< the dates before and after one that may only come and go
  kSpan,    ///< the first against the last date
};
constexpr auto names_of(SeriesKind) {
  return std::to_array<Name<SeriesKind>>(
      {{SeriesKind::kStep, "step"}, {SeriesKind::kAround, "around"}, {SeriesKind::kSpan, "span"}});
}

/// Dates of a pair in a series.
struct SeriesPart {
  std::string place, from, to;
  SeriesKind kind = SeriesKind::kStep;
  std::optional<bool> changed = {};    ///< by the caption; unset for a failed pair
  std::optional<bool> transient = {};  ///< the change comes and goes in one date; unset if that is unknown
};

/// Place and strength of the change of a pair.
struct PredictedChange {
  image::ChangeMap map;
  double score = 0.0;
  double raw = 0.0;  ///< before calibration
};

/// Word of a caption and its place.
struct PredictedWord {
  std::string word;
  image::ChangeMap map;
};

/// What a run with the options of places adds to a caption; JSON Lines only.
struct PredictedPlaces {
  std::optional<PredictedChange> change = {};
  std::vector<PredictedWord> words = {};
  std::optional<std::vector<image::Polygon>> polygons = {};  ///< in pixels of the later image
  std::optional<bool> unsure = {};
};

/// Result for one pair: a caption, or the reason for its absence.
struct Prediction {
  PairFiles pair;
  std::string caption;
  std::vector<int64_t> token_ids;  ///< as generated, including the end token
  double logprob = 0.0;            ///< sum of the log-probabilities of `token_ids`
  std::string finish;              ///< "end_token" or "length"
  std::string error;               ///< empty if there is a caption
  std::string warning = {};        ///< of a damaged image that was captioned all the same
  std::optional<SeriesPart> series = {};
  PredictedPlaces places = {};
};

enum class PredictionFormat {
  kText,       ///< uid, tab, caption
  kJsonLines,  ///< one object per line: uid, before, after, caption, token_ids, logprob, finish, the places
               ///< that there are (change_score, change_raw, change_map, words, polygons, unsure), run, and
               ///< warning if there is one; or uid, before, after, error. Of a series also place, from,
               ///< to, kind, changed and transient
  kCsv,        ///< a header line and the same columns; token ids separated by spaces
};
constexpr auto names_of(PredictionFormat) {
  return std::to_array<Name<PredictionFormat>>({{PredictionFormat::kText, "text"},
                                                {PredictionFormat::kJsonLines, "jsonl"},
                                                {PredictionFormat::kCsv, "csv"}});
}

/// Handling of an existing output file.
enum class ExistingOutput { kRefuse, kOverwrite, kResume };

/// Writes predictions to a file or to standard output. `run` identifies what captions depend on besides their
/// pair (model, question, options); if not empty, JSON Lines and CSV store it with every caption.
class PredictionWriter {
 public:
  /// Writes to standard output.
  explicit PredictionWriter(PredictionFormat format, std::string run = {});

  /// Writes to a file. kResume removes a partial last line and lines with an error (those pairs are tried
  /// again) and keeps the rest. Throws Error if the file exists and `existing` is kRefuse, another process is
  /// writing it, it has another format, kResume is used with the text format (which cannot identify pairs),
  /// or one of its captions belongs to a run other than `run`.
  PredictionWriter(const std::filesystem::path& path, PredictionFormat format, ExistingOutput existing,
                   std::string run = {});

  PredictionWriter(PredictionWriter&&) noexcept;
  PredictionWriter& operator=(PredictionWriter&&) noexcept;
  /// Removes the file if this object created it and wrote nothing.
  ~PredictionWriter();

  /// True if the resumed file has a caption for this uid, in the form in which its format writes uids.
  bool has_caption_of(const std::string& uid) const;

  /// Number of captions in the resumed file without a run.
  int64_t captions_without_run() const;

  /// Appends whole lines with one write. Throws Error with the file's name if the write fails.
  void write(std::span<const Prediction> predictions);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Calls `visit` for each caption in a file of JSON Lines or CSV that belongs to one of `pairs`, in the order
/// of the file, with the files of that pair and without polygons. A partial last line and lines with an error
/// are left out. Throws Error for another file.
void visit_captions(const std::filesystem::path& path, PredictionFormat format,
                    std::span<const PairFiles> pairs, const std::function<void(const Prediction&)>& visit);

}  // namespace ccexpert::data

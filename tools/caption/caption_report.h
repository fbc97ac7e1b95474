// Page of a run's captions (--report).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "caption/caption_options.h"
#include "caption/pair_loader.h"
#include "data/shared/predictions.h"
#include "page/report.h"

namespace ccexpert::tools {

/// True if the caption, or a calibrated score, says that something changed; nullopt for a failed pair.
std::optional<bool> says_changed(const data::Prediction& prediction);

class CaptionReport {
 public:
  /// Starts the page of `command.report` for these pairs, which are in its order. Throws Error if it cannot
  /// be written.
  CaptionReport(const CaptionCommand& command, std::span<const data::PairFiles> pairs);

  /// Adds a caption, or an error, with thumbnails of its images; an image of several pairs is stored once in
  /// a series.
  void add(const data::Prediction& prediction, const LoadedPair& images);
  /// Adds a caption of a resumed output, whose images are read again. An image that is gone is left out.
  void add_resumed(const data::Prediction& prediction);
  /// Writes the page, complete.
  void finish() { writer_.finish(); }

 private:
  std::optional<int64_t> image_of(const std::filesystem::path& path, const image::Image& image);

  page::ReportWriter writer_;
  bool shares_images_;
  std::unordered_map<std::string, int64_t> order_;   ///< of uids
  std::unordered_map<std::string, int64_t> images_;  ///< of paths, in a series
};

}  // namespace ccexpert::tools

// Writer and parser of prediction lines in each format.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/shared/predictions.h"

namespace ccexpert::data {

/// Returns the header line of this format, or "".
std::string header_line(PredictionFormat format);

/// Returns the line of a prediction, with its line end. A caption's line contains `run` unless that is empty.
/// Line breaks and tabs within texts become spaces, so that every prediction is one line in every format.
std::string prediction_line(const Prediction& prediction, PredictionFormat format, const std::string& run);

/// Returns a uid as its line writes it: CSV without line breaks and tabs; JSON as UTF-8, with invalid bytes
/// escaped as "\xff".
std::string written_uid(const std::string& uid, PredictionFormat format);

/// Complete line of an existing file.
struct KnownLine {
  std::string uid;
  std::string line;  ///< in the current columns, with its line end
  std::string run;   ///< of a caption; empty in files of earlier versions
  bool failed = false;
};

/// Returns all complete lines of a file's text; drops a truncated last line. Throws Error, starting with
/// `source` and the line, for damage anywhere else.
std::vector<KnownLine> parse_lines(std::string_view text, PredictionFormat format, const std::string& source);

/// Returns the caption of a KnownLine that did not fail, but for its pair. Throws Error, starting with
/// `source`, for a value of another type.
Prediction parse_caption(const KnownLine& line, PredictionFormat format, const std::string& source);

}  // namespace ccexpert::data

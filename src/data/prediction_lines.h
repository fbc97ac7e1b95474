// One prediction as a line of each format, and what a line of an existing file says.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/data/predictions.h>

namespace ccexpert::data {

/// The line that begins a file of this format, or nothing.
std::string header_line(PredictionFormat format);

/// The line of a prediction, with its line end; a caption has `run` with it if that is not empty. Line breaks
/// and tabs within texts become blanks, so that a line is a prediction in every format.
std::string prediction_line(const Prediction& prediction, PredictionFormat format, const std::string& run);

/// A uid as its line has it: CSV lines hold no line breaks and tabs, JSON only UTF-8, where the bytes of
/// other names become "\xff".
std::string written_uid(const std::string& uid, PredictionFormat format);

/// An intact line of an existing file.
struct KnownLine {
  std::string uid;
  std::string line;  ///< in today's columns, with its line end
  std::string run;   ///< of a caption; empty in files of earlier versions
  bool failed = false;
};

/// All intact lines of a file's text. A last line that was cut short is left out; damage anywhere else is an
/// Error that begins with `source` and names the line.
std::vector<KnownLine> parse_lines(std::string_view text, PredictionFormat format, const std::string& source);

}  // namespace ccexpert::data

// Calibration of change scores: the file beside a model, written by ccexpert-eval and read by captioners.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/core/names.h>

namespace ccexpert {

/// Name of the file in a model's folder.
inline constexpr const char* kChangeScoreFile = "change_score.json";

/// Smallest value of a changed patch without a calibration.
inline constexpr double kChangeThreshold = 0.5;

enum class CalibrationMethod {
  kPlatt,     ///< logistic function (Platt, 1999)
  kIsotonic,  ///< steps that never fall (Zadrozny and Elkan, 2002), linear between them
};
constexpr auto names_of(CalibrationMethod) {
  return std::to_array<Name<CalibrationMethod>>(
      {{CalibrationMethod::kPlatt, "platt"}, {CalibrationMethod::kIsotonic, "isotonic"}});
}

/// Map from raw scores to probabilities of a change.
struct ChangeCalibration {
  CalibrationMethod method = CalibrationMethod::kPlatt;
  double slope = 1.0;  ///< of Platt's logistic function, above 0
  double offset = 0.0;
  std::vector<double> raw = {};         ///< knots of the isotonic function, in rising order
  std::vector<double> score = {};       ///< their probabilities, which never fall
  double threshold = kChangeThreshold;  ///< smallest value of a changed patch or pixel of a map
  int64_t pairs = 0;                    ///< that it was fitted on
  int64_t masks = 0;                    ///< that the threshold was chosen on; 0: it is the default

  /// Returns the probability, in [0, 1], of a change of a pair with this raw score.
  double probability(double raw_score) const;
};

/// Reads the file's text; `source` starts error messages. Throws Error for anything but a calibration.
ChangeCalibration parse_change_calibration(std::string_view text, const std::string& source);

/// Returns the file's text.
std::string to_json_text(const ChangeCalibration& calibration);

}  // namespace ccexpert

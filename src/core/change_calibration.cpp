#include "core/change_calibration.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"
#include "core/json.h"

namespace ccexpert {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kFormat = "ccexpert change score 1";

void expect_keys(const json& file, const std::vector<std::string>& keys, const std::string& source) {
  for (const auto& [key, value] : file.items()) {
    if (std::ranges::find(keys, key) == keys.end())
      fail_expected({source, fmt::format("the keys {}", fmt::join(keys, ", ")), key});
  }
  for (const auto& key : keys) {
    if (!file.contains(key) || file[key].is_null())
      fail_expected({fmt::format("{}: {}", source, key), "a value", "none"});
  }
}

/// Reads numbers from 0 to 1 that never fall.
std::vector<double> read_rising(const json& file, const char* key, const std::string& source) {
  const auto place = fmt::format("{}: {}", source, key);
  const auto& list = file[key];
  if (!list.is_array() || list.size() < 2)
    fail_expected({place, "a list of at least 2 numbers", json_shown(list)});
  std::vector<double> values;
  for (const auto& item : list) {
    if (!item.is_number()) fail_expected({place, "a list of numbers", json_shown(item)});
    values.push_back(item.get<double>());
    if (values.back() < 0.0 || values.back() > 1.0)
      fail_expected({place, "numbers from 0 to 1", json_shown(item)});
  }
  if (!std::ranges::is_sorted(values)) fail_expected({place, "numbers that never fall", "others"});
  return values;
}

std::vector<std::string> keys_of(CalibrationMethod method) {
  std::vector<std::string> keys{"format", "method", "threshold", "pairs", "masks"};
  if (method == CalibrationMethod::kPlatt)
    keys.insert(keys.end(), {"slope", "offset"});
  else
    keys.insert(keys.end(), {"raw", "score"});
  return keys;
}

void read_function(const json& file, ChangeCalibration& calibration, const std::string& source) {
  if (calibration.method == CalibrationMethod::kPlatt) {
    calibration.slope = json_value(file, "slope", 1.0, source, above(0));
    calibration.offset = json_value(file, "offset", 0.0, source);
    return;
  }
  calibration.raw = read_rising(file, "raw", source);
  calibration.score = read_rising(file, "score", source);
  if (calibration.raw.size() != calibration.score.size())
    fail_expected({source + ": score", fmt::format("{} numbers, as raw has", calibration.raw.size()),
                   std::to_string(calibration.score.size())});
}

double between_knots(const ChangeCalibration& calibration, double raw_score) {
  const auto& [raw, score] = std::tie(calibration.raw, calibration.score);
  const auto above = std::ranges::upper_bound(raw, raw_score);
  if (above == raw.begin()) return score.front();
  if (above == raw.end()) return score.back();
  const auto i = static_cast<size_t>(above - raw.begin());
  const double share = (raw_score - raw[i - 1]) / (raw[i] - raw[i - 1]);
  return score[i - 1] + share * (score[i] - score[i - 1]);
}

}  // namespace

double ChangeCalibration::probability(double raw_score) const {
  if (method == CalibrationMethod::kIsotonic) return between_knots(*this, raw_score);
  return 1.0 / (1.0 + std::exp(-(slope * raw_score + offset)));
}

ChangeCalibration parse_change_calibration(std::string_view text, const std::string& source) try {
  const json file = parse_json(text, source);
  if (!file.is_object()) fail_expected({source, "an object", file.type_name()});
  if (const auto format = json_value(file, "format", std::string(), source); format != kFormat)
    fail_expected({source + ": format", kFormat, format.empty() ? "none" : format});
  ChangeCalibration calibration;
  if (!file.contains("method")) fail_expected({source + ": method", "platt or isotonic", "none"});
  calibration.method = json_value(file, "method", calibration.method, source);
  expect_keys(file, keys_of(calibration.method), source);
  read_function(file, calibration, source);
  calibration.threshold = json_value(file, "threshold", 0.0, source, in_range(open(0), 1));
  calibration.pairs = json_value(file, "pairs", int64_t{0}, source, at_least(1));
  calibration.masks = json_value(file, "masks", int64_t{0}, source, at_least(0));
  return calibration;
} catch (...) {
  rethrow_as_error();
}

std::string to_json_text(const ChangeCalibration& calibration) {
  ordered_json file{{"format", kFormat}, {"method", text_of(calibration.method)}};
  if (calibration.method == CalibrationMethod::kPlatt) {
    file["slope"] = calibration.slope;
    file["offset"] = calibration.offset;
  } else {
    file["raw"] = calibration.raw;
    file["score"] = calibration.score;
  }
  file["threshold"] = calibration.threshold;
  file["pairs"] = calibration.pairs;
  file["masks"] = calibration.masks;
  return file.dump(2) + "\n";
}

}  // namespace ccexpert

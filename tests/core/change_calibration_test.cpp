#include "core/change_calibration.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert {
namespace {

using test::error_of;

std::string refusal_of_text(const std::string& text) {
  return error_of([&] { parse_change_calibration(text, "f"); });
}

std::string platt(const std::string& more) {
  return R"({"format": "ccexpert change score 1", "method": "platt", "threshold": 0.25, "pairs": 10, "masks": 4)" +
         more + "}";
}

TEST(ChangeCalibration, PlattIsALogisticFunction) {
  const auto read = parse_change_calibration(platt(R"(, "slope": 10, "offset": -2)"), "f");
  EXPECT_DOUBLE_EQ(read.probability(0.2), 0.5);
  EXPECT_DOUBLE_EQ(read.probability(0.3), 1.0 / (1.0 + std::exp(-1.0)));
  EXPECT_EQ(read.threshold, 0.25);
  EXPECT_EQ(read.pairs, 10);
  EXPECT_EQ(read.masks, 4);
}

TEST(ChangeCalibration, IsotonicIsLinearBetweenKnotsAndConstantOutside) {
  const ChangeCalibration steps{.method = CalibrationMethod::kIsotonic,
                                .raw = {0.1, 0.3, 0.3, 0.5},
                                .score = {0.0, 0.2, 0.6, 1.0},
                                .pairs = 5};
  const auto read = parse_change_calibration(to_json_text(steps), "f");
  EXPECT_EQ(read.probability(0.0), 0.0);
  EXPECT_DOUBLE_EQ(read.probability(0.2), 0.1);
  EXPECT_DOUBLE_EQ(read.probability(0.3), 0.6);
  EXPECT_DOUBLE_EQ(read.probability(0.4), 0.8);
  EXPECT_EQ(read.probability(0.9), 1.0);
}

TEST(ChangeCalibration, WritesWhatItReads) {
  const ChangeCalibration written{.slope = 12.5, .offset = -3.25, .threshold = 0.375, .pairs = 3, .masks = 2};
  const auto read = parse_change_calibration(to_json_text(written), "f");
  EXPECT_EQ(read.slope, 12.5);
  EXPECT_EQ(read.offset, -3.25);
  EXPECT_EQ(to_json_text(read), to_json_text(written));
}

TEST(ChangeCalibration, RefusesOtherFiles) {
  EXPECT_EQ(refusal_of_text("[]"), "f: expected an object, got array");
  EXPECT_EQ(refusal_of_text("{}"), "f: format: expected ccexpert change score 1, got none");
  EXPECT_EQ(refusal_of_text(platt("")), "f: slope: expected a value, got none");
  EXPECT_EQ(refusal_of_text(platt(R"(, "slope": -1, "offset": 0)")), "f: slope: expected above 0, got -1");
  EXPECT_EQ(refusal_of_text(platt(R"(, "slope": 1, "offset": 0, "raw": [0, 1])")),
            "f: expected the keys format, method, threshold, pairs, masks, slope, offset, got raw");
  const std::string isotonic =
      R"({"format": "ccexpert change score 1", "method": "isotonic", "threshold": 0.5, "pairs": 1, "masks": 0, )";
  EXPECT_EQ(refusal_of_text(isotonic + R"("raw": [0, 1], "score": [1, 0]})"),
            "f: score: expected numbers that never fall, got others");
  EXPECT_EQ(refusal_of_text(isotonic + R"("raw": [0, 1, 1], "score": [0, 1]})"),
            "f: score: expected 3 numbers, as raw has, got 2");
  EXPECT_EQ(refusal_of_text(isotonic + R"("raw": [0, 2], "score": [0, 1]})"),
            "f: raw: expected numbers from 0 to 1, got 2");
}

}  // namespace
}  // namespace ccexpert

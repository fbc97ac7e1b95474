// Shifts between images, against shifts that are known.
#include "image/shared/registration.h"

#include <cmath>

#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::image {
namespace {

/// Number in [0, 255] for a point of a lattice.
double corner(int64_t column, int64_t row) {
  auto hash = static_cast<uint32_t>(column) * 374761393U + static_cast<uint32_t>(row) * 668265263U;
  hash = (hash ^ (hash >> 13U)) * 1274126177U;
  return static_cast<double>((hash >> 16U) & 0xFFU);
}

/// Noise with a lattice of 4 pixels, at a place above (-100, -100).
double noise(double x, double y) {
  x = (x + 100.0) / 4.0;
  y = (y + 100.0) / 4.0;
  const auto column = static_cast<int64_t>(x);
  const auto row = static_cast<int64_t>(y);
  const double u = x - static_cast<double>(column);
  const double v = y - static_cast<double>(row);
  const double top = (1.0 - u) * corner(column, row) + u * corner(column + 1, row);
  const double bottom = (1.0 - u) * corner(column, row + 1) + u * corner(column + 1, row + 1);
  return (1.0 - v) * top + v * bottom;
}

/// Image with a value for each pixel.
template <typename Value>
Image image_of(const Value& value) {
  Image image{128, 160, std::vector<uint8_t>(128 * 160 * 3)};
  for (int64_t i = 0; i < 128 * 160; ++i) {
    const auto grey = static_cast<uint8_t>(std::lround(value(i % 160, i / 160)));
    for (int64_t channel = 0; channel < 3; ++channel)
      image.pixels[static_cast<size_t>(3 * i + channel)] = grey;
  }
  return image;
}

/// Noise that is displaced.
Image pattern(double dx, double dy) {
  return image_of(
      [&](int64_t x, int64_t y) { return noise(static_cast<double>(x) - dx, static_cast<double>(y) - dy); });
}

constexpr int64_t kLargest = 32;

TEST(Registration, FindsSubPixelShifts) {
  const auto before = pattern(0.0, 0.0);
  for (const auto& [dx, dy] : {std::pair{0.0, 0.0}, {3.0, -2.0}, {0.5, 0.25}, {-4.4, 6.7}, {-31.0, 30.5}}) {
    const auto after = pattern(dx, dy);
    const auto shift = estimated_shift(before.view(), after.view(), kLargest);
    EXPECT_NEAR(shift.x, dx, 0.15) << dx;
    EXPECT_NEAR(shift.y, dy, 0.15) << dy;
    EXPECT_GT(shift.distinction, 3.0);
  }
}

TEST(Registration, FindsTheShiftOfImagesThatDifferByMuch) {
  const auto before = pattern(0.0, 0.0);
  const auto after = image_of([](int64_t x, int64_t y) {
    const auto right = static_cast<double>(x), down = static_cast<double>(y);
    return 0.3 * noise(right - 5.0, down + 3.0) + 0.7 * noise(right + 3000.0, down + 1000.0);
  });
  const auto shift = estimated_shift(before.view(), after.view(), kLargest);
  EXPECT_NEAR(shift.x, 5.0, 0.5);
  EXPECT_NEAR(shift.y, -3.0, 0.5);
  EXPECT_GT(shift.distinction, 1.6);
}

TEST(Registration, HasNoPeakThatStandsAloneForTwoPlaces) {
  const auto before = pattern(0.0, 0.0);
  for (const double away : {1000.0, 2000.0, 3000.0}) {
    const auto after = image_of(
        [&](int64_t x, int64_t y) { return noise(static_cast<double>(x) + away, static_cast<double>(y)); });
    const auto shift = estimated_shift(before.view(), after.view(), kLargest);
    EXPECT_GE(shift.distinction, 1.0);
    EXPECT_LT(shift.distinction, 1.6) << away;
  }
}

TEST(Registration, DoesNotLookFartherThanTheLargestShift) {
  const auto before = pattern(0.0, 0.0);
  const auto after = pattern(12.0, 0.0);
  EXPECT_NEAR(estimated_shift(before.view(), after.view(), 16).x, 12.0, 0.15);
  const auto nearer = estimated_shift(before.view(), after.view(), 8);
  EXPECT_LE(std::abs(nearer.x), 8.5);
  EXPECT_LT(nearer.distinction, 1.6);
}

TEST(Registration, OfImagesWithoutStructureIsUnknown) {
  const auto flat = image_of([](int64_t, int64_t) { return 90.0; });
  EXPECT_EQ(estimated_shift(flat.view(), flat.view(), kLargest).distinction, 0.0);
  const Image tiny{2, 2, std::vector<uint8_t>{0, 0, 0, 9, 9, 9, 7, 7, 7, 1, 1, 1}};
  EXPECT_EQ(estimated_shift(tiny.view(), tiny.view(), kLargest).distinction, 0.0);
}

TEST(Registration, RefusesImagesOfTwoSizes) {
  const Image one{2, 2, std::vector<uint8_t>(12)};
  const Image other{2, 3, std::vector<uint8_t>(18)};
  EXPECT_EQ(test::error_of([&] { estimated_shift(one.view(), other.view(), kLargest); }),
            "images to register: expected two of one size, got 2x2 and 3x2 px");
}

}  // namespace
}  // namespace ccexpert::image

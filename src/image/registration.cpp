#include "image/shared/registration.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"

namespace ccexpert::image {
namespace {

/// Deviation in pixels of the peak of two images that differ only by a shift: high frequencies, which noise
/// and resampling spoil, count little, and the peak is a Gaussian whose centre three values give.
constexpr double kPeakDeviation = 1.0;
/// Values so many pixels away belong to the same peak.
constexpr int kPeakReach = 3;

/// Returns the spectrum of the luminance under a Hanning window, without its mean.
cv::Mat spectrum_of(const ImageView& image) {
  const cv::Mat colours(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3,
                        const_cast<uint8_t*>(image.data), static_cast<size_t>(image.stride));
  cv::Mat grey, values, window, spectrum;
  cv::cvtColor(colours, grey, cv::COLOR_RGB2GRAY);
  grey.convertTo(values, CV_64F);
  cv::createHanningWindow(window, values.size(), CV_64F);
  values = (values - cv::mean(values)[0]).mul(window);
  cv::dft(values, spectrum, cv::DFT_COMPLEX_OUTPUT);
  return spectrum;
}

/// Returns the frequency of a place in a spectrum, in cycles per pixel.
double frequency(int place, int length) {
  return static_cast<double>(place <= length / 2 ? place : place - length) / length;
}

/// Makes the cross spectrum's numbers as long as those of a Gaussian.
void weigh(cv::Mat& cross) {
  const double spread = 2.0 * CV_PI * CV_PI * kPeakDeviation * kPeakDeviation;
  for (int row = 0; row < cross.rows; ++row) {
    for (int column = 0; column < cross.cols; ++column) {
      auto& value = cross.at<cv::Vec2d>(row, column);
      const double length = std::hypot(value[0], value[1]);
      const double across = frequency(column, cross.cols);
      const double down = frequency(row, cross.rows);
      const double weight = std::exp(-spread * (across * across + down * down));
      value = length > 0.0 ? value * (weight / length) : cv::Vec2d();
    }
  }
}

/// Returns the centre of a Gaussian through three values that surround its peak, from the middle one.
double centre_of(double left, double middle, double right) {
  if (left <= 0.0 || right <= 0.0) return 0.0;
  const double bend = std::log(left) - 2.0 * std::log(middle) + std::log(right);
  return bend < 0.0 ? std::clamp(0.5 * (std::log(left) - std::log(right)) / bend, -0.5, 0.5) : 0.0;
}

/// Returns the part of a correlation, which repeats, up to so many pixels around the shift of nothing.
cv::Mat around_zero(const cv::Mat& correlation, cv::Size reach) {
  cv::Mat part(2 * reach.height + 1, 2 * reach.width + 1, CV_64F);
  for (int row = 0; row < part.rows; ++row) {
    const int from = (row - reach.height + correlation.rows) % correlation.rows;
    for (int column = 0; column < part.cols; ++column) {
      part.at<double>(row, column) =
          correlation.at<double>(from, (column - reach.width + correlation.cols) % correlation.cols);
    }
  }
  return part;
}

/// Returns the highest value that does not belong to the peak.
double next_height(const cv::Mat& part, cv::Point peak) {
  cv::Mat others(part.size(), CV_8U, cv::Scalar(255));
  const cv::Point reach(kPeakReach, kPeakReach);
  cv::rectangle(others, peak - reach, peak + reach, cv::Scalar(0), cv::FILLED);
  double height = 0.0;
  cv::minMaxLoc(part, nullptr, &height, nullptr, nullptr, others);
  return height;
}

Shift peak_of(const cv::Mat& correlation, int64_t largest) {
  const auto reach = [&](int length) {
    return static_cast<int>(std::min<int64_t>(largest, (length - 1) / 2));
  };
  const cv::Size sides{reach(correlation.cols), reach(correlation.rows)};
  const auto part = around_zero(correlation, sides);
  cv::Point at;
  double height = 0.0;
  cv::minMaxLoc(part, nullptr, &height, nullptr, &at);
  if (height <= 0.0) return {};
  const int x = at.x - sides.width, y = at.y - sides.height;
  const auto beside = [&](int dx, int dy) {
    const int rows = correlation.rows, columns = correlation.cols;
    return correlation.at<double>((y + dy + rows) % rows, (x + dx + columns) % columns);
  };
  const double next = next_height(part, at);
  return {x + centre_of(beside(-1, 0), height, beside(1, 0)),
          y + centre_of(beside(0, -1), height, beside(0, 1)), next > 0.0 ? height / next : 0.0};
}

}  // namespace

Shift estimated_shift(const ImageView& before, const ImageView& after, int64_t largest) try {
  if (before.height != after.height || before.width != after.width || before.height < 2 || before.width < 2) {
    fail_expected(
        {"images to register", "two of one size",
         fmt::format("{}x{} and {}x{} px", before.width, before.height, after.width, after.height)});
  }
  cv::Mat cross, correlation;
  cv::mulSpectrums(spectrum_of(after), spectrum_of(before), cross, 0, true);
  weigh(cross);
  cv::dft(cross, correlation, cv::DFT_INVERSE | cv::DFT_SCALE | cv::DFT_REAL_OUTPUT);
  return peak_of(correlation, largest);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::image

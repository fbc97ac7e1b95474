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

/// Makes the cross spectrum's numbers as long as those of a Gaussian. Returns their mean length.
double weigh(cv::Mat& cross) {
  double sum = 0.0;
  const double spread = 2.0 * CV_PI * CV_PI * kPeakDeviation * kPeakDeviation;
  for (int row = 0; row < cross.rows; ++row) {
    for (int column = 0; column < cross.cols; ++column) {
      auto& value = cross.at<cv::Vec2d>(row, column);
      const double length = std::hypot(value[0], value[1]);
      const double across = frequency(column, cross.cols);
      const double down = frequency(row, cross.rows);
      const double weight = std::exp(-spread * (across * across + down * down));
      value = length > 0.0 ? value * (weight / length) : cv::Vec2d();
      sum += weight;
    }
  }
  return sum / static_cast<double>(cross.total());
}

/// Returns the centre of a Gaussian through three values that surround its peak, from the middle one.
double centre_of(double left, double middle, double right) {
  if (left <= 0.0 || right <= 0.0) return 0.0;
  const double bend = std::log(left) - 2.0 * std::log(middle) + std::log(right);
  return bend < 0.0 ? std::clamp(0.5 * (std::log(left) - std::log(right)) / bend, -0.5, 0.5) : 0.0;
}

/// Returns the shift of a place in a correlation, which repeats.
double unwrapped(double place, int length) {
  return place > length / 2.0 ? place - length : place;
}

Shift peak_of(const cv::Mat& correlation, double ideal) {
  cv::Point at;
  double height = 0.0;
  cv::minMaxLoc(correlation, nullptr, &height, nullptr, &at);
  if (height <= 0.0) return {};
  const auto value = [&](int x, int y) {
    const int rows = correlation.rows, columns = correlation.cols;
    return correlation.at<double>((at.y + y + rows) % rows, (at.x + x + columns) % columns);
  };
  return {unwrapped(at.x + centre_of(value(-1, 0), height, value(1, 0)), correlation.cols),
          unwrapped(at.y + centre_of(value(0, -1), height, value(0, 1)), correlation.rows),
          std::min(1.0, height / ideal)};
}

}  // namespace

Shift estimated_shift(const ImageView& before, const ImageView& after) try {
  if (before.height != after.height || before.width != after.width || before.height < 2 || before.width < 2) {
    fail_expected(
        {"images to register", "two of one size",
         fmt::format("{}x{} and {}x{} px", before.width, before.height, after.width, after.height)});
  }
  cv::Mat cross, correlation;
  cv::mulSpectrums(spectrum_of(after), spectrum_of(before), cross, 0, true);
  const double ideal = weigh(cross);
  cv::dft(cross, correlation, cv::DFT_INVERSE | cv::DFT_SCALE | cv::DFT_REAL_OUTPUT);
  return peak_of(correlation, ideal);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::image

// Drawing of scenes on OpenCV matrices; no public header includes this file.
#pragma once

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "synth/geometry.h"

namespace ccexpert::synth {

/// Fractional bits of the coordinates for OpenCV's drawing functions.
inline constexpr int kFraction = 4;

inline cv::Point to_fixed(Point point) {
  // OpenCV has pixel centres at integers, the scene at halves.
  constexpr double kScale = 1 << kFraction;
  return {static_cast<int>(std::lround((point.x - 0.5) * kScale)),
          static_cast<int>(std::lround((point.y - 0.5) * kScale))};
}

template <class Points>
std::vector<cv::Point> to_fixed(const Points& points) {
  std::vector<cv::Point> fixed;
  fixed.reserve(points.size());
  for (const Point point : points) fixed.push_back(to_fixed(point));
  return fixed;
}

inline void fill(cv::Mat& image, const Polygon& outline, const cv::Scalar& value, int line = cv::LINE_AA) {
  const auto points = to_fixed(outline);
  const cv::Point* first = points.data();
  const int count = static_cast<int>(points.size());
  cv::fillPoly(image, &first, &count, 1, value, line, kFraction);
}

template <class Points>
void fill_convex(cv::Mat& image, const Points& corners, const cv::Scalar& value, int line = cv::LINE_AA) {
  const auto points = to_fixed(corners);
  cv::fillConvexPoly(image, points.data(), static_cast<int>(points.size()), value, line, kFraction);
}

inline void stroke(cv::Mat& image, const Polyline& line, int thickness, const cv::Scalar& value) {
  const auto points = to_fixed(line);
  cv::polylines(image, points, false, value, thickness, cv::LINE_AA, kFraction);
}

}  // namespace ccexpert::synth

// Rows of crops and contour banks: lines across a field, straight or bent.
#pragma once

#include <vector>

#include "synth/paint.h"

namespace ccexpert::synth {

class CropRows {
 public:
  explicit CropRows(const View& view);

  /// Returns the pattern along a line of pixels, mean 0 and deviation about 32. It is valid until the next
  /// call.
  const float* line(size_t y);

 private:
  void draw_profile(uint64_t day);

  Point centre_;        ///< around which the rows bend
  double wave_ = 0;     ///< pixels that a row deviates for each unit of the coarse texture
  double pitch_ = 8;    ///< pixels from row to row
  double share_ = 0.5;  ///< of regular rows; the others are uneven
  size_t place_ = 0;
  bool used_ = false;
  std::vector<float> profile_;
  std::vector<float> values_;
};

}  // namespace ccexpert::synth

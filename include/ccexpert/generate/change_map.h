/// Place and strength of the change of a pair. The maps are those of ccexpert/image/change_map.h, which also
/// gives them at pixels; ccexpert/image/polygons.h makes polygons of them.
#pragma once

#include <string>

#include <ccexpert/image/change_map.h>

namespace ccexpert::generate {

using image::ChangeMap;

/// Change of one pair by the vision transformer and, if the model has one, the Diff Expert.
struct LocatedChange {
  ChangeMap map = {};  ///< values that grow with the change
  /// Strength of the change, in [0, 1]: what `score` is computed from, and what a calibration is fitted on.
  double raw = 0.0;
  /// Probability of a change if the model is calibrated (Captioner::calibrated), else `raw`.
  double score = 0.0;
};

/// Word of a caption and the image patches that the decoder attended to for it.
struct WordMap {
  std::string word;  ///< without blanks; punctuation belongs to the word before it
  /// Attention to the patch's tokens of both images, more than for the caption as a whole; the largest value
  /// of a caption is 1.
  ChangeMap map = {};
};

}  // namespace ccexpert::generate

namespace ccexpert {

using generate::LocatedChange;
using generate::WordMap;
using image::ChangeMap;

}  // namespace ccexpert

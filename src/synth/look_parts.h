// Parts of looks that the worlds share: each world has its own ranges.
#pragma once

#include "synth/look.h"

namespace ccexpert::synth {

struct Range {
  double low = 0;
  double high = 0;
};

/// Returns a value of the range; draws nothing if it has only one.
double draw(Random& random, Range range);

/// Values from which a season is drawn. Deviations are of nearly normal values, those of factors in
/// logarithms.
struct SeasonRanges {
  Range grass{};            ///< 0 dry to 1 lush
  double grass_spread = 0;  ///< deviation from that
  double summers = 0;       ///< share of the seasons in which all crowns have leaves
  double most_leaves = 1;   ///< in the other seasons
  double growth = 0;        ///< deviation of the size of crowns
  Range crowns{1, 1};       ///< their brightness
  double crowns_spread = 0;
  Colour tints{};          ///< deviations of red and blue in crowns
  double patched = 0;      ///< share of the seasons with wet, burnt or overgrown ground
  double patch_light = 0;  ///< deviation
  Colour patch_tints{};    ///< deviations
  double hard_edges = 0;   ///< share of the seasons in which the edges of such ground are hard
  double most_thinning = 0;
};

void set_season(Random& random, const SeasonRanges& ranges, Look& look);

/// Values from which the sensor of a flight, its place and its storage are drawn.
struct SensorRanges {
  Range grain{};
  double blurred = 0;  ///< share of the flights
  Range blur{};
  double out_of_focus = 0;  ///< share of the blurred flights
  Range focus_blur{};       ///< of those
  double sharpened = 0;     ///< share of the flights
  double most_sharpening = 0;
  double near = 0;            ///< share of the flights that are registered well
  double near_shift = 0;      ///< deviation in pixels
  double far_shift = 0;       ///< the same for the others
  double turn = 0;            ///< deviation, radians
  double zoom = 0;            ///< deviation
  double compressed = 1;      ///< share of the flights
  std::array<int, 2> jpeg{};  ///< lowest and highest quality
};

void set_sensor(Random& random, const SensorRanges& ranges, Look& look);

}  // namespace ccexpert::synth

// Flights over Texas: the archives of two dates, with the tones that photographs of LEVIR-CC's kind have.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "synth/look_parts.h"

namespace ccexpert::synth {
namespace {

/// Development of the flights of one archive, as ranges.
struct Archive {
  Range gain;
  Range warmth;      ///< of red against blue
  Range green;       ///< tint of green, as a share
  Range black;       ///< of 255
  double teal = 0;   ///< more black in red than in green and blue, of 255
  Range haze;        ///< scattered light, of 255
  double mauve = 0;  ///< share of the haze that green lacks
  Range contrast;
  Range saturation;
  Range foliage;  ///< brightness of crowns
  Range grass;    ///< 0 dry to 1 lush
  Range shade;    ///< light in shadows
};

/// Old mosaics, stretched: cream soil, black-green crowns.
constexpr Archive kWarm{.gain = {1.25, 1.55},
                        .warmth = {-0.02, 0.07},
                        .green = {0, 0.03},
                        .black = {16, 40},
                        .teal = 3,
                        .haze = {0, 6},
                        .contrast = {0.95, 1.1},
                        .saturation = {0.7, 1.15},
                        .foliage = {0.75, 1.0},
                        .grass = {0, 0.6},
                        .shade = {0.15, 0.32}};
/// The same, with green crowns and shadows that lost all red.
constexpr Archive kTeal{.gain = {1.2, 1.6},
                        .warmth = {-0.05, 0.06},
                        .green = {0.01, 0.06},
                        .black = {34, 56},
                        .teal = 9,
                        .haze = {0, 3},
                        .contrast = {1.0, 1.2},
                        .saturation = {0.7, 1.25},
                        .foliage = {0.75, 0.95},
                        .grass = {0.1, 0.9},
                        .shade = {0.1, 0.25}};
/// Hazy and flat, grey to mauve.
constexpr Archive kPale{.gain = {0.7, 1.0},
                        .warmth = {-0.05, 0.05},
                        .green = {-0.03, 0.01},
                        .black = {0, 5},
                        .haze = {22, 62},
                        .mauve = 0.1,
                        .contrast = {0.65, 0.95},
                        .saturation = {0.5, 1.0},
                        .foliage = {0.75, 1.0},
                        .grass = {0, 0.7},
                        .shade = {0.35, 0.6}};
/// Overexposed: roads and soil are nearly white.
constexpr Archive kBleached{.gain = {1.35, 1.7},
                            .warmth = {-0.06, 0.05},
                            .green = {0, 0.04},
                            .black = {8, 26},
                            .teal = 2,
                            .haze = {0, 15},
                            .contrast = {0.9, 1.1},
                            .saturation = {0.6, 1.2},
                            .foliage = {0.8, 1.1},
                            .grass = {0, 0.9},
                            .shade = {0.2, 0.4}};
/// After rain: saturated green, red soil.
constexpr Archive kSpring{.gain = {0.7, 1.05},
                          .warmth = {-0.03, 0.06},
                          .green = {0.02, 0.08},
                          .black = {4, 16},
                          .teal = 2,
                          .haze = {0, 14},
                          .contrast = {0.85, 1.15},
                          .saturation = {1.0, 1.6},
                          .foliage = {0.8, 1.1},
                          .grass = {0.6, 1},
                          .shade = {0.2, 0.4}};
/// Late flights: dark, with little colour.
constexpr Archive kMuted{.gain = {0.6, 0.94},
                         .warmth = {-0.02, 0.04},
                         .green = {0, 0.03},
                         .black = {0, 8},
                         .haze = {0, 10},
                         .contrast = {0.82, 1.05},
                         .saturation = {0.6, 1.05},
                         .foliage = {0.95, 1.4},
                         .grass = {0, 1},
                         .shade = {0.3, 0.55}};

/// Oak and juniper are evergreen; the leaves of the others depend on the month.
constexpr SeasonRanges kSeason{.grass_spread = 0.1,
                               .summers = 0.45,
                               .most_leaves = 0.8,
                               .growth = 0.14,
                               .tints = {0.05, 0, 0.07},
                               .patched = 0.55,
                               .patch_light = 0.12,
                               .patch_tints = {0.06, 0.06, 0.05},
                               .hard_edges = 0.3,
                               .most_thinning = 0.25};
constexpr SensorRanges kSensor{.grain = {0.3, 2.2},
                               .blurred = 0.35,
                               .blur = {0.3, 0.9},
                               .out_of_focus = 0.25,
                               .focus_blur = {1.0, 1.8},
                               .sharpened = 0.7,
                               .most_sharpening = 1.3,
                               .near = 0.65,
                               .near_shift = 2.3,
                               .far_shift = 3.8,
                               .turn = 0.004,
                               .zoom = 0.005,
                               .jpeg = {70, 96}};

Tone tone_of(Random& random, const Archive& archive) {
  const double gain = draw(random, archive.gain);
  const double warmth = draw(random, archive.warmth) / 2;
  const double black = draw(random, archive.black);
  const double haze = draw(random, archive.haze);
  Tone tone;
  tone.gain = {gain * (1 + warmth), gain * (1 + draw(random, archive.green)), gain * (1 - warmth)};
  tone.black = {black + archive.teal, black, black};
  tone.lift = {haze, haze * (1 - archive.mauve), haze * 0.97};
  tone.contrast = draw(random, archive.contrast);
  tone.saturation = draw(random, archive.saturation);
  tone.shoulder = true;
  tone.clouds = random.chance(0.05) ? random.uniform(0.15, 0.4) : 0;
  return tone;
}

SeasonRanges season_of(const Archive& archive) {
  auto ranges = kSeason;
  ranges.grass = archive.grass;
  ranges.crowns = archive.foliage;
  return ranges;
}

void set_light(Random& random, const Archive& archive, Look& look) {
  const double north = -std::numbers::pi / 2;
  look.elevation = random.uniform(0.45, 1.05);
  look.shadow = direction(north + random.uniform(-0.95, 0.95)) * (1 / std::tan(look.elevation));
  look.shade = draw(random, archive.shade);
  look.lean = direction(random.uniform(0, 2 * std::numbers::pi)) * random.uniform(0, 0.35);
}

Look flight(Random& random, const Archive& archive) {
  Look look;
  set_light(random, archive, look);
  set_season(random, season_of(archive), look);
  look.tone = tone_of(random, archive);
  set_sensor(random, kSensor, look);
  return look;
}

const Archive& early(Random& random) {
  constexpr std::array kAll{&kWarm, &kTeal, &kPale, &kBleached, &kSpring, &kMuted};
  return *kAll[static_cast<size_t>(random.weighted({0.28, 0.18, 0.2, 0.09, 0.08, 0.17}))];
}

const Archive& late(Random& random) {
  constexpr std::array kAll{&kMuted, &kPale, &kWarm, &kBleached};
  return *kAll[static_cast<size_t>(random.weighted({0.94, 0.04, 0.01, 0.01}))];
}

std::array<Look, 2> texas_looks(Random& random) {
  std::array looks{flight(random, early(random)), flight(random, late(random))};
  // Some archives have the bright flight last.
  if (random.chance(0.06)) std::swap(looks[0], looks[1]);
  const bool halved = random.chance(0.7);
  for (auto& look : looks) look.halved = halved;
  return looks;
}

}  // namespace

std::array<Look, 2> looks_of(Random& random, World world) {
  if (world == World::kTexas) return texas_looks(random);
  const Look first = any_look(random);
  return {first, any_look(random)};
}

}  // namespace ccexpert::synth

// Flights over Texas: the archives of two dates, with the tones that photographs of LEVIR-CC's kind have.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "synth/look.h"

namespace ccexpert::synth {
namespace {

struct Range {
  double low = 0, high = 0;
};

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

double draw(Random& random, Range range) {
  return random.uniform(range.low, range.high);
}

void set_tone(Random& random, const Archive& archive, Look& look) {
  const double gain = draw(random, archive.gain);
  const double warmth = draw(random, archive.warmth) / 2;
  const double black = draw(random, archive.black);
  const double haze = draw(random, archive.haze);
  look.gain = {gain * (1 + warmth), gain * (1 + draw(random, archive.green)), gain * (1 - warmth)};
  look.black = {black + archive.teal, black, black};
  look.lift = {haze, haze * (1 - archive.mauve), haze * 0.97};
  look.gamma = 1;
  look.contrast = draw(random, archive.contrast);
  look.saturation = draw(random, archive.saturation);
  look.shoulder = true;
  look.clouds = random.chance(0.05) ? random.uniform(0.15, 0.4) : 0;
}

void set_season(Random& random, const Archive& archive, Look& look) {
  look.green = std::clamp(draw(random, archive.grass) + 0.1 * random.bell(), 0.0, 1.0);
  // Oak and juniper are evergreen; the leaves of the others depend on the month.
  look.leaves = random.chance(0.45) ? 1 : random.uniform(0, 0.8);
  look.growth = std::exp(0.14 * random.bell());
  const double crowns = draw(random, archive.foliage);
  look.foliage = {crowns * std::exp(0.05 * random.bell()), crowns, crowns * std::exp(0.07 * random.bell())};
  if (random.chance(0.55)) {
    const double light = 0.12 * random.bell();
    look.patches = {light + 0.06 * random.bell(), light + 0.06 * random.bell(), light + 0.05 * random.bell()};
    look.patch_edge = random.chance(0.3) ? 0.05 : random.uniform(0.2, 1);
  }
  look.thinning = random.chance(0.5) ? random.uniform(0, 0.25) : 0;
  look.weather = random.next();
}

void set_light(Random& random, const Archive& archive, Look& look) {
  const double north = -std::numbers::pi / 2;
  look.elevation = random.uniform(0.45, 1.05);
  look.shadow = direction(north + random.uniform(-0.95, 0.95)) * (1 / std::tan(look.elevation));
  look.shade = draw(random, archive.shade);
  look.lean = direction(random.uniform(0, 2 * std::numbers::pi)) * random.uniform(0, 0.35);
}

void set_sensor(Random& random, Look& look) {
  look.grain = random.uniform(0.3, 2.2);
  if (random.chance(0.35))
    look.blur = random.chance(0.25) ? random.uniform(1.0, 1.8) : random.uniform(0.3, 0.9);
  else
    look.blur = 0;
  look.sharpen = random.chance(0.7) ? random.uniform(0.2, 1.3) : 0;
  const double far = random.chance(0.65) ? 2.3 : 3.8;
  look.shift = {far * random.bell(), far * random.bell()};
  look.turn = 0.004 * random.bell();
  look.zoom = 1 + 0.005 * random.bell();
  look.jpeg = random.between(70, 96);
}

Look flight(Random& random, const Archive& archive) {
  Look look;
  set_light(random, archive, look);
  set_season(random, archive, look);
  set_tone(random, archive, look);
  set_sensor(random, look);
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

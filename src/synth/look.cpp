#include "synth/look.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "synth/look_parts.h"

namespace ccexpert::synth {
namespace {

void set_light(Random& random, Look& look) {
  // North of the tropics shadows point to the upper half; some mosaics are rotated.
  const double half_turn = std::numbers::pi;
  const double towards =
      random.chance(0.85) ? random.uniform(-half_turn + 0.15, -0.15) : random.uniform(0, 2 * half_turn);
  look.elevation = random.uniform(0.5, 1.15);
  look.shadow = direction(towards) * (1 / std::tan(look.elevation));
  look.shade = random.uniform(0.2, 0.45);
  look.lean = direction(random.uniform(0, 2 * half_turn)) * (random.chance(0.6) ? random.uniform(0, 0.3) : 0);
}

constexpr SeasonRanges kSeason{.grass = {-0.15, 1.0},
                               .summers = 0.6,
                               .most_leaves = 0.9,
                               .growth = 0.2,
                               .crowns_spread = 0.18,
                               .tints = {0.1, 0, 0.14},
                               .patched = 0.6,
                               .patch_light = 0.2,
                               .patch_tints = {0.12, 0.1, 0.12},
                               .hard_edges = 0.4,
                               .most_thinning = 0.12};
constexpr SensorRanges kSensor{.grain = {0.8, 4.5},
                               .blurred = 0.3,
                               .blur = {0.3, 0.8},
                               .sharpened = 0.75,
                               .most_sharpening = 1.0,
                               .near = 0.7,
                               .near_shift = 0.7,
                               .far_shift = 1.8,
                               .turn = 0.004,
                               .zoom = 0.004,
                               .compressed = 0.25,
                               .jpeg = {55, 92}};

Tone draw_tone(Random& random) {
  // Archives contain both stretched summer mosaics, with white bare soil, and dark grey winter ones.
  const double spread = random.chance(0.6) ? 0.14 : 0.28;
  const double light = std::clamp(0.97 * std::exp(spread * random.bell()), 0.5, 1.5);
  const double warmth = 0.07 * random.bell();
  Tone tone;
  tone.gain = {light * (1 + warmth), light * (1 + 0.03 * random.bell()), light * (1 - warmth)};
  tone.gamma = std::exp(0.08 + (random.chance(0.6) ? 0.12 : 0.24) * random.bell());
  tone.contrast = random.chance(0.5) ? 1 : std::exp(0.25 * random.bell());
  tone.saturation = random.chance(0.6) ? random.uniform(0.3, 0.8) : random.uniform(0.6, 1.4);
  const double haze = random.chance(0.35) ? random.uniform(5, 65) : random.uniform(0, 8);
  tone.lift = {haze * 0.85, haze * 0.95, haze * 1.1};
  tone.clouds = random.chance(0.1) ? random.uniform(0.15, 0.45) : 0;
  return tone;
}

/// True if an archive would keep the picture: grey is neither black nor white, and dark and bright things
/// differ.
bool shows_something(const Tone& tone) {
  constexpr size_t kGreen = 1;
  const double middle = toned(tone, kGreen, 110);
  const double span = toned(tone, kGreen, 160) - toned(tone, kGreen, 60);
  return middle > 50 && middle < 200 && span > 45;
}

Tone any_tone(Random& random) {
  Tone tone;
  do tone = draw_tone(random);
  while (!shows_something(tone));
  return tone;
}

/// True for a share of the draws; draws nothing if that is none or all.
bool sometimes(Random& random, double share) {
  return share >= 1 || (share > 0 && random.chance(share));
}

/// Returns a nearly normal value; draws nothing for a deviation of 0.
double spread(Random& random, double deviation) {
  return deviation > 0 ? deviation * random.bell() : 0;
}

/// Returns a value whose rise slows down towards white, as in the stretched mosaics of archives.
double shouldered(double value) {
  constexpr double kStart = 190;
  constexpr double kRoom = 255 - kStart;
  const double more = value - kStart;
  return more <= 0 ? value : kStart + more / (1 + more / kRoom);
}

}  // namespace

double toned(const Tone& tone, size_t channel, double value) {
  constexpr double kPivot = 90;
  const double lit = 255 * std::pow(value / 255 * tone.gain[channel], tone.gamma);
  const double stretched = kPivot + (lit - tone.black[channel] - kPivot) * tone.contrast;
  const double graded = std::max(tone.shoulder ? shouldered(stretched) : stretched, 0.0);
  return std::clamp(tone.lift[channel] + graded * (1 - tone.lift[channel] / 255), 0.0, 255.0);
}

double draw(Random& random, Range range) {
  return range.low < range.high ? random.uniform(range.low, range.high) : range.low;
}

void set_season(Random& random, const SeasonRanges& ranges, Look& look) {
  const double grass = draw(random, ranges.grass);
  look.green = std::clamp(grass + spread(random, ranges.grass_spread), 0.0, 1.0);
  look.leaves = random.chance(ranges.summers) ? 1 : random.uniform(0, ranges.most_leaves);
  look.growth = std::exp(ranges.growth * random.bell());
  const double brightness = draw(random, ranges.crowns);
  const double crowns = brightness * std::exp(spread(random, ranges.crowns_spread));
  const Colour& tints = ranges.tints;
  look.foliage = {crowns * std::exp(tints.r * random.bell()), crowns,
                  crowns * std::exp(tints.b * random.bell())};
  if (random.chance(ranges.patched)) {
    const double light = ranges.patch_light * random.bell();
    const Colour& patch = ranges.patch_tints;
    look.patches = {light + patch.r * random.bell(), light + patch.g * random.bell(),
                    light + patch.b * random.bell()};
    look.patch_edge = random.chance(ranges.hard_edges) ? 0.05 : random.uniform(0.2, 1);
  }
  look.thinning = random.chance(0.5) ? random.uniform(0, ranges.most_thinning) : 0;
  look.weather = random.next();
}

void set_sensor(Random& random, const SensorRanges& ranges, Look& look) {
  look.grain = draw(random, ranges.grain);
  look.blur = 0;
  if (random.chance(ranges.blurred))
    look.blur = draw(random, sometimes(random, ranges.out_of_focus) ? ranges.focus_blur : ranges.blur);
  look.sharpen = random.chance(ranges.sharpened) ? random.uniform(0.2, ranges.most_sharpening) : 0;
  const double shift = random.chance(ranges.near) ? ranges.near_shift : ranges.far_shift;
  look.shift = {shift * random.bell(), shift * random.bell()};
  look.turn = ranges.turn * random.bell();
  look.zoom = 1 + ranges.zoom * random.bell();
  look.jpeg = sometimes(random, ranges.compressed) ? random.between(ranges.jpeg[0], ranges.jpeg[1]) : 0;
}

Look any_look(Random& random) {
  Look look;
  set_light(random, look);
  set_season(random, kSeason, look);
  look.tone = any_tone(random);
  set_sensor(random, kSensor, look);
  return look;
}

Look another_print(Random& random, const Look& look) {
  Look other = look;
  other.tone = any_tone(random);
  set_sensor(random, kSensor, other);
  return other;
}

}  // namespace ccexpert::synth

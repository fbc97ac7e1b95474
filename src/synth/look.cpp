#include "synth/look.h"

#include <algorithm>
#include <cmath>
#include <numbers>

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

void set_season(Random& random, Look& look) {
  look.green = std::clamp(random.uniform(-0.15, 1.0), 0.0, 1.0);
  look.leaves = random.chance(0.6) ? 1 : random.uniform(0, 0.9);
  look.growth = std::exp(0.2 * random.bell());
  const double crowns = std::exp(0.18 * random.bell());
  look.foliage = {crowns * std::exp(0.1 * random.bell()), crowns, crowns * std::exp(0.14 * random.bell())};
  if (random.chance(0.6)) {
    const double light = 0.2 * random.bell();
    look.patches = {light + 0.12 * random.bell(), light + 0.1 * random.bell(), light + 0.12 * random.bell()};
    look.patch_edge = random.chance(0.4) ? 0.05 : random.uniform(0.2, 1);
  }
  look.thinning = random.chance(0.5) ? random.uniform(0, 0.12) : 0;
  look.weather = random.next();
}

void draw_tone(Random& random, Look& look) {
  // Archives contain both stretched summer mosaics, with white bare soil, and dark grey winter ones.
  const double spread = random.chance(0.6) ? 0.14 : 0.28;
  const double light = std::clamp(0.97 * std::exp(spread * random.bell()), 0.5, 1.5);
  const double warmth = 0.07 * random.bell();
  look.gain = {light * (1 + warmth), light * (1 + 0.03 * random.bell()), light * (1 - warmth)};
  look.gamma = std::exp(0.08 + (random.chance(0.6) ? 0.12 : 0.24) * random.bell());
  look.contrast = random.chance(0.5) ? 1 : std::exp(0.25 * random.bell());
  look.saturation = random.chance(0.6) ? random.uniform(0.3, 0.8) : random.uniform(0.6, 1.4);
  const double haze = random.chance(0.35) ? random.uniform(5, 65) : random.uniform(0, 8);
  look.lift = {haze * 0.85, haze * 0.95, haze * 1.1};
  look.clouds = random.chance(0.1) ? random.uniform(0.15, 0.45) : 0;
}

/// True if an archive would keep the picture: grey is neither black nor white, and dark and bright things
/// differ.
bool shows_something(const Look& look) {
  constexpr size_t kGreen = 1;
  const double middle = toned(look, kGreen, 110);
  const double span = toned(look, kGreen, 160) - toned(look, kGreen, 60);
  return middle > 50 && middle < 200 && span > 45;
}

void set_tone(Random& random, Look& look) {
  do draw_tone(random, look);
  while (!shows_something(look));
}

void set_sensor(Random& random, Look& look) {
  look.grain = random.uniform(0.8, 4.5);
  look.blur = random.chance(0.3) ? random.uniform(0.3, 0.8) : 0;
  look.sharpen = random.chance(0.75) ? random.uniform(0.2, 1.0) : 0;
  const double far = random.chance(0.7) ? 0.7 : 1.8;
  look.shift = {far * random.bell(), far * random.bell()};
  look.turn = 0.004 * random.bell();
  look.zoom = 1 + 0.004 * random.bell();
  look.jpeg = random.chance(0.25) ? random.between(55, 92) : 0;
}

/// Returns a value whose rise slows down towards white, as in the stretched mosaics of archives.
double shouldered(double value) {
  constexpr double kStart = 190;
  constexpr double kRoom = 255 - kStart;
  const double more = value - kStart;
  return more <= 0 ? value : kStart + more / (1 + more / kRoom);
}

}  // namespace

double toned(const Look& look, size_t channel, double value) {
  constexpr double kPivot = 90;
  const double lit = 255 * std::pow(value / 255 * look.gain[channel], look.gamma);
  const double stretched = kPivot + (lit - look.black[channel] - kPivot) * look.contrast;
  const double graded = std::max(look.shoulder ? shouldered(stretched) : stretched, 0.0);
  return std::clamp(look.lift[channel] + graded * (1 - look.lift[channel] / 255), 0.0, 255.0);
}

Look any_look(Random& random) {
  Look look;
  set_light(random, look);
  set_season(random, look);
  set_tone(random, look);
  set_sensor(random, look);
  return look;
}

Look another_print(Random& random, const Look& look) {
  Look other = look;
  other.black = {0, 0, 0};
  other.shoulder = false;
  set_tone(random, other);
  set_sensor(random, other);
  return other;
}

}  // namespace ccexpert::synth

// Appearance of a place on one day, from one flight: sun, season, air and camera. None of it is a change.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "synth/geometry.h"
#include "synth/random.h"
#include "synth/scene.h"

namespace ccexpert::synth {

struct Colour {
  double r = 0;
  double g = 0;
  double b = 0;

  Colour operator*(double factor) const { return {r * factor, g * factor, b * factor}; }
  Colour operator+(Colour other) const { return {r + other.r, g + other.g, b + other.b}; }
};

inline Colour mixed(Colour a, Colour b, double share) {
  return a * (1 - share) + b * share;
}

/// Development of a picture, from light to stored values.
struct Tone {
  std::array<double, 3> gain{1, 1, 1};
  std::array<double, 3> lift{0, 0, 0};  ///< haze: scattered light, of 255
  double gamma = 1;
  std::array<double, 3> black{0, 0, 0};  ///< value that is stretched to black, of 255
  bool shoulder = false;                 ///< highlights are compressed, not clipped
  double contrast = 1;                   ///< around a dark grey
  double saturation = 1;
  double clouds = 0;  ///< share of light blocked in shadows of clouds; 0: clear
};

struct Look {
  // Light
  Point shadow;            ///< offset of shadows, for one pixel of height
  double elevation = 0.8;  ///< of the sun, radians
  double shade = 0.4;      ///< remaining light in shadow
  Point lean;              ///< offset of tops in the image, for one pixel of height
  // Season
  double green = 0.5;       ///< of grass, 0 dry to 1 lush
  double leaves = 1;        ///< 0 bare crowns to 1 summer
  double growth = 1;        ///< of crowns, as a factor of their radius
  double thinning = 0;      ///< share of lone trees that are not visible
  Colour foliage{1, 1, 1};  ///< of crowns, as factors
  Colour patches{0, 0, 0};  ///< colour added to wet, burnt or overgrown ground, as shares
  double patch_edge = 1;    ///< softness of the edges of those parts, 0 hard to 1
  uint64_t weather = 0;     ///< offset of this date's textures
  // Camera
  Tone tone;
  double grain = 2;     ///< deviation of the noise, of 255
  double blur = 0.4;    ///< deviation in pixels; below 0.3: none
  double sharpen = 0;   ///< 0: none
  Point shift;          ///< misregistration in pixels
  double turn = 0;      ///< misregistration, radians
  double zoom = 1;      ///< misregistration, as a factor
  int jpeg = 0;         ///< quality; 0: never compressed
  bool halved = false;  ///< stored at half the size, so compressed there and enlarged
};

/// Returns a variant of an object's `look` for this day: variates of it differ from date to date.
inline uint32_t on_day(const Look& day, uint32_t look) {
  return look ^ static_cast<uint32_t>(day.weather);
}

/// Returns the value of a channel (red, green, blue) in the picture for ground of `value`, both 0 to 255.
/// Gain, gamma, black, contrast, shoulder and haze are applied in this order.
double toned(const Tone& tone, size_t channel, double value);

Look any_look(Random& random);

/// Returns the looks of two dates: in Texas mostly a bright or hazy early flight and a dark late one, several
/// pixels apart and stored at one size.
std::array<Look, 2> looks_of(Random& random, World world);

/// Returns the same flight, developed and stored differently: tone and sensor differ, light and season do
/// not.
Look another_print(Random& random, const Look& look);

}  // namespace ccexpert::synth

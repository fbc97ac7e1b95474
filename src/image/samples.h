// Conversions of single samples for several formats, equal to Pillow's.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string_view>

#include <ccexpert/image/image.h>

namespace ccexpert::image {

/// Clips a single band of more than 8 bits to 0 to 255, without scaling; NaN becomes 0.
template <class Component>
uint8_t clipped(Component sample) {
  if constexpr (std::floating_point<Component>) {
    if (!(sample > 0)) return 0;
  }
  return static_cast<uint8_t>(std::clamp<Component>(sample, 0, 255));
}

/// Returns the high byte of a 16-bit colour sample.
inline uint8_t high_byte(uint16_t sample) {
  return static_cast<uint8_t>(sample >> 8);
}

/// Writes one grey pixel.
inline void put_grey(uint8_t value, uint8_t* rgb) {
  rgb[0] = rgb[1] = rgb[2] = value;
}

/// Writes one pixel of cyan, magenta, yellow and black (255: full ink).
void put_cmyk(const uint8_t* cmyk, uint8_t* rgb);

/// Warns, once in a process, if an image of more than 8 bits a sample lost its contrast: all high bytes are
/// dark, or most samples were clipped to white.
void hint_at_stretch(const Image& image, std::string_view name);

}  // namespace ccexpert::image

// Conversion of label colours to class numbers.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <ccexpert/image/image.h>

namespace ccexpert::datasets {

using Colour = std::array<uint8_t, 3>;

/// Returns for each pixel the index of its colour in `palette`; throws Error with a colour outside the
/// palette and its place.
std::vector<uint8_t> palette_numbers(const image::Image& label, const std::vector<Colour>& palette);

}  // namespace ccexpert::datasets

// Colours of label images to numbers.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <ccexpert/image/image.h>

namespace ccexpert::datasets {

using Colour = std::array<uint8_t, 3>;

/// For each pixel the number of its colour in `palette`; Error naming a colour that is none of them, and
/// where it is.
std::vector<uint8_t> palette_numbers(const Image& label, const std::vector<Colour>& palette);

}  // namespace ccexpert::datasets

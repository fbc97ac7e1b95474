#include "datasets/sources/palette.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::datasets {

std::vector<uint8_t> palette_numbers(const image::Image& label, const std::vector<Colour>& palette) {
  std::vector<uint8_t> numbers(label.pixels.size() / 3);
  size_t last = 0;  // neighbouring pixels mostly have the same colour
  for (size_t i = 0; i < numbers.size(); ++i) {
    const Colour colour{label.pixels[3 * i], label.pixels[3 * i + 1], label.pixels[3 * i + 2]};
    if (palette[last] != colour) {
      last = static_cast<size_t>(std::find(palette.begin(), palette.end(), colour) - palette.begin());
    }
    if (last == palette.size()) {
      const auto width = static_cast<size_t>(label.width);
      fail_expected({fmt::format("pixel in row {}, column {}", i / width, i % width),
                     "a colour of the set's palette",
                     fmt::format("({}, {}, {})", colour[0], colour[1], colour[2])});
    }
    numbers[i] = static_cast<uint8_t>(last);
  }
  return numbers;
}

}  // namespace ccexpert::datasets

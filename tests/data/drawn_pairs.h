// Small generated pairs with captions, in the test's temporary folder.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/image/decode.h>
#include <ccexpert/text/tokenizer.h>

#include "support/paths.h"
#include "support/temporary_folder.h"

namespace ccexpert::test {

/// The smallest tokenizer with Qwen2's special tokens.
inline const text::Tokenizer& tiny_tokenizer() {
  static const auto tokenizer =
      text::Tokenizer::load(std::filesystem::path(test::kTestData) / "checkpoint-tiny");
  return *tokenizer;
}

/// Noise that depends on `seed` alone.
inline image::Image noise(int64_t height, int64_t width, uint64_t seed) {
  image::Image image{height, width, std::vector<uint8_t>(static_cast<size_t>(3 * height * width))};
  for (auto& value : image.pixels) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    value = static_cast<uint8_t>(seed >> 56);
  }
  return image;
}

/// Black, with a rectangle of rows [top, bottom) and columns [left, right) whose channels are all `value`.
inline image::Image rectangle(int64_t height, int64_t width, int64_t top, int64_t bottom, int64_t left,
                              int64_t right, uint8_t value = 255) {
  image::Image image{height, width, std::vector<uint8_t>(static_cast<size_t>(3 * height * width))};
  for (int64_t y = top; y < bottom; ++y) {
    std::fill(image.pixels.begin() + 3 * (y * width + left), image.pixels.begin() + 3 * (y * width + right),
              value);
  }
  return image;
}

/// Writes a PNG and returns its path.
inline std::filesystem::path draw(const TemporaryFolder& folder, const std::string& name,
                                  const image::Image& image) {
  image::write_png(folder / name, image.view());
  return folder / name;
}

/// Draws pair i, uid "p<i>", with 1 to 3 captions; every fourth pair is visited twice, every second one has a
/// mask and a map of the classes 0 and 1, and images have two shapes.
inline data::ChangeExample draw_pair(const TemporaryFolder& folder, int64_t i) {
  const auto seed = static_cast<uint64_t>(i);
  const int64_t width = i % 4 == 0 ? 16 : 21;
  data::ChangeExample pair{.uid = fmt::format("p{}", i),
                           .before = draw(folder, fmt::format("{}a.png", i), noise(16, width, 2 * seed)),
                           .after = draw(folder, fmt::format("{}b.png", i), noise(16, width, 2 * seed + 1)),
                           .repeat = i % 4 == 1 ? 2 : 1};
  if (i % 2 == 0) {
    pair.mask = draw(folder, fmt::format("{}m.png", i), rectangle(12, 12, 0, 1 + i % 11, 2, 9));
    pair.classes_after = draw(folder, fmt::format("{}c.png", i), rectangle(9, 9, 0, 1 + i % 9, 2, 9, 1));
  }
  for (int64_t caption = 0; caption <= i % 3; ++caption) {
    pair.captions.push_back(fmt::format("caption {} of place {}", caption, i));
  }
  return pair;
}

inline std::vector<data::ChangeExample> draw_pairs(const TemporaryFolder& folder, int64_t count) {
  std::vector<data::ChangeExample> pairs;
  for (int64_t i = 0; i < count; ++i) pairs.push_back(draw_pair(folder, i));
  return pairs;
}

}  // namespace ccexpert::test

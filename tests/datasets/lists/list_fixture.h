// Fixture for lists of pairs in a temporary folder.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/drawn_pairs.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::datasets {

namespace fs = std::filesystem;
using test::error_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Lists : public ::testing::Test {
 protected:
  /// Returns one entry as text; its images are A/NAME.png and B/NAME.png.
  static std::string entry(const std::string& name, int flag, const std::vector<std::string>& captions) {
    return nlohmann::json{{"uid", name},
                          {"change_flag", flag},
                          {"img1_path", "A/" + name + ".png"},
                          {"img2_path", "B/" + name + ".png"},
                          {"change_caption", captions},
                          {"note", "kept"}}
        .dump();
  }
  fs::path lines(const std::string& name, const std::vector<std::string>& entries) const {
    std::string text;
    for (const auto& each : entries) text += each + "\n";
    return folder_.write(name, text);
  }
  /// Writes `count` pairs; every second is changed.
  fs::path many(const std::string& name, int count) const {
    std::vector<std::string> entries;
    for (int i = 0; i < count; ++i) {
      entries.push_back(entry(fmt::format("p{:03}", i), i % 2,
                              {i % 2 == 1 ? "a house is built" : "no change has occurred"}));
    }
    return lines(name, entries);
  }
  void image(const std::string& name, const image::Image& pixels) const {
    fs::create_directories((folder_ / name).parent_path());
    image::write_png(folder_ / name, pixels.view());
  }
  /// Writes both images of a pair, of smooth noise that depends on the seed.
  void images(const std::string& name, uint64_t seed, int64_t side = 64) const {
    image("A/" + name + ".png", smooth(side, 2 * seed));
    image("B/" + name + ".png", smooth(side, 2 * seed + 1));
  }
  /// Returns 8 x 8 blocks of random colours, which suit near-duplicate hashes, unlike noise of single pixels.
  static image::Image smooth(int64_t side, uint64_t seed) {
    const auto coarse = test::noise(8, 8, 977 * seed + 13);
    image::Image image{side, side, {}};
    for (int64_t y = 0; y < side; ++y) {
      for (int64_t x = 0; x < side; ++x) {
        const auto* pixel = coarse.pixels.data() + 3 * ((y * 8 / side) * 8 + x * 8 / side);
        image.pixels.insert(image.pixels.end(), pixel, pixel + 3);
      }
    }
    return image;
  }
  static nlohmann::json parsed(const fs::path& file) { return nlohmann::json::parse(std::ifstream(file)); }

  const test::TemporaryFolder folder_;
};

}  // namespace ccexpert::datasets

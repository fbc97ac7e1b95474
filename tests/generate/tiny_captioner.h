// The small checkpoint of tests/golden through the public interface, and generated images.
#pragma once

#include <random>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/captioner.h>
#include <ccexpert/io/checkpoint.h>

#include "core/files.h"
#include "core/json.h"
#include "support/golden.h"

namespace ccexpert::test {

inline std::filesystem::path tiny_folder() {
  return data_folder() / "checkpoint-tiny";
}

/// Loaded once for all tests of a program: its members are const.
inline const Captioner& tiny_captioner() {
  static const Captioner captioner = Captioner::load(tiny_folder(), {.device = "cpu"});
  return captioner;
}

inline nlohmann::json tiny_expected() {
  return parse_json(read_file(tiny_folder() / "expected.json"), "expected.json");
}

/// Returns coloured rectangles: the same for the same seed, different for different seeds.
inline image::Image painted(uint64_t seed, int64_t height = 90, int64_t width = 120) {
  std::mt19937_64 random(seed);
  image::Image image{height, width, std::vector<uint8_t>(static_cast<size_t>(3 * height * width))};
  for (int rectangle = 0; rectangle < 12; ++rectangle) {
    const auto top = static_cast<int64_t>(random() % static_cast<uint64_t>(height));
    const auto left = static_cast<int64_t>(random() % static_cast<uint64_t>(width));
    const uint64_t colour = random();
    for (int64_t y = top; y < std::min(height, top + 40); ++y) {
      for (int64_t x = left; x < std::min(width, left + 50); ++x) {
        for (int64_t c = 0; c < 3; ++c) {
          image.pixels[static_cast<size_t>(3 * (y * width + x) + c)] =
              static_cast<uint8_t>(colour >> (8 * c));
        }
      }
    }
  }
  return image;
}

/// Pairs of painted images of unequal sizes, and their pixels.
class PaintedPairs {
 public:
  explicit PaintedPairs(size_t count) {
    for (size_t i = 0; i < 2 * count; ++i) images_.push_back(painted(i, 60 + static_cast<int64_t>(7 * i)));
    for (size_t i = 0; i < count; ++i) views_.push_back({images_[2 * i].view(), images_[2 * i + 1].view()});
  }
  const std::vector<ImagePair>& views() const { return views_; }
  const ImagePair& operator[](size_t i) const { return views_.at(i); }
  size_t size() const { return views_.size(); }

 private:
  std::vector<image::Image> images_;
  std::vector<ImagePair> views_;
};

/// Writes a LLaVA-OneVision base: the small checkpoint without its Diff Expert.
inline void write_base_checkpoint(const std::filesystem::path& folder) {
  const auto tiny = io::open_checkpoint(tiny_folder());
  auto config = parse_json(tiny.config_json, "config.json");
  config.erase("mm_resampler_type");
  config.erase("cc_expert_args");
  std::vector<io::NamedTensor> tensors;
  for (const auto& info : tiny.weights->tensors()) {
    if (info.name.starts_with("model.vision_resampler.")) continue;
    tensors.push_back({info.name, tiny.weights->tensor(info.name)});
  }
  io::write_checkpoint({.folder = folder,
                        .config_json = config.dump(),
                        .tensors = std::move(tensors),
                        .companions = io::read_companions(tiny_folder())});
}

}  // namespace ccexpert::test

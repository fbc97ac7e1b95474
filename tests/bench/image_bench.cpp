// Image decoding, resampling and preprocessing in bytes of RGB pixels that go in (decoding: that come out).
#include <cmath>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <opencv2/imgcodecs.hpp>

#include <ccexpert/image/decode.h>
#include <ccexpert/image/preprocess.h>

#include "image/shared/resize.h"

namespace ccexpert {
namespace {

/// A square image with edges, slopes and noise, which coders find neither trivial nor hopeless.
image::Image scene(int64_t side) {
  image::Image image{side, side, {}};
  image.pixels.reserve(static_cast<size_t>(side * side * 3));
  uint32_t noise = 1;
  for (int64_t y = 0; y < side; ++y) {
    for (int64_t x = 0; x < side; ++x) {
      noise = noise * 1664525u + 1013904223u;
      const double slope = 60.0 * std::sin(0.01 * static_cast<double>(x + 2 * y));
      const int edge = (x / 48 + y / 64) % 3 == 0 ? 60 : 0;
      const int grey = 90 + static_cast<int>(slope) + edge + static_cast<int>(noise >> 28);
      for (int c = 0; c < 3; ++c) image.pixels.push_back(static_cast<uint8_t>(grey - 8 * c));
    }
  }
  return image;
}

std::vector<uint8_t> encoded(const image::Image& image, const std::string& extension) {
  const cv::Mat pixels(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3,
                       const_cast<uint8_t*>(image.pixels.data()));
  std::vector<uint8_t> bytes;
  cv::imencode(extension, pixels, bytes);
  return bytes;
}

void count_bytes(benchmark::State& state, const image::Image& image) {
  state.SetBytesProcessed(static_cast<int64_t>(image.pixels.size()) * state.iterations());
}

void decode(benchmark::State& state, const std::string& extension) {
  const auto image = scene(state.range(0));
  const auto bytes = encoded(image, extension);
  for (auto _ : state)
    benchmark::DoNotOptimize(image::decode_image(bytes, "scene" + extension).pixels.data());
  count_bytes(state, image);
}
BENCHMARK_CAPTURE(decode, jpeg, ".jpg")->Arg(256)->Arg(1024)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(decode, png, ".png")->Arg(256)->Arg(1024)->Unit(benchmark::kMillisecond);

void resize(benchmark::State& state) {
  const auto image = scene(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        image::resize_bicubic(image.view(), state.range(1), state.range(1)).pixels.data());
  }
  count_bytes(state, image);
}
BENCHMARK(resize)->Args({256, 384})->Args({1024, 384})->Args({4096, 384})->Unit(benchmark::kMillisecond);

void preprocess_square(benchmark::State& state) {
  const auto image = scene(state.range(0));
  const image::PreprocessConfig config;
  std::vector<float> planes(static_cast<size_t>(3 * config.size * config.size));
  for (auto _ : state) {
    image::preprocess(image.view(), config, planes);
    benchmark::DoNotOptimize(planes.data());
  }
  count_bytes(state, image);
}
BENCHMARK(preprocess_square)->Arg(256)->Arg(384)->Arg(1024)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ccexpert

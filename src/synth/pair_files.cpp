#include "synth/pair_files.h"

#include <fstream>

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <ccexpert/core/error.h>

#include "core/files.h"

namespace ccexpert::synth {
namespace {

void encode(const std::filesystem::path& path, const cv::Mat& image, const std::vector<int>& parameters) {
  std::vector<uint8_t> bytes;
  if (!cv::imencode(path.extension().string(), image, bytes, parameters))
    fail(path.string(), "cannot be encoded");
  write_whole(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void write_image(const std::filesystem::path& path, const image::Image& image) {
  const cv::Mat rgb(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3,
                    const_cast<uint8_t*>(image.pixels.data()));
  cv::Mat bgr;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  // Without an explicit level, OpenCV uses its fast PNG filter. Sensor noise has no repeats: Huffman-only
  // takes half the time for a tenth more bytes. Each codec ignores the other's parameters.
  encode(path, bgr,
         {cv::IMWRITE_PNG_STRATEGY, cv::IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY, cv::IMWRITE_JPEG_QUALITY, 95});
}

void write_map(const std::filesystem::path& path, const image::Image& like,
               const std::vector<uint8_t>& values) {
  const cv::Mat grey(static_cast<int>(like.height), static_cast<int>(like.width), CV_8U,
                     const_cast<uint8_t*>(values.data()));
  encode(path, grey, {cv::IMWRITE_PNG_STRATEGY, cv::IMWRITE_PNG_STRATEGY_RLE});
}

}  // namespace

PairPaths paths_of(int64_t index, std::string_view format) {
  const auto name = fmt::format("{:06}", index);
  const auto image = fmt::format("{}.{}", name, format);
  const auto map = name + ".png";
  return {name,           "images/A/" + image, "images/B/" + image,
          "masks/" + map, "classes/A/" + map,  "classes/B/" + map};
}

bool is_complete(const std::filesystem::path& folder, const PairPaths& paths) {
  for (const auto& path :
       {paths.before, paths.after, paths.mask, paths.classes_before, paths.classes_after}) {
    if (!is_file(folder / path)) return false;
  }
  return true;
}

void write_pair(const std::filesystem::path& folder, const PairPaths& paths, const SyntheticPair& pair) {
  write_image(folder / paths.before, pair.before);
  write_image(folder / paths.after, pair.after);
  write_map(folder / paths.mask, pair.before, pair.mask);
  write_map(folder / paths.classes_before, pair.before, pair.classes_before);
  write_map(folder / paths.classes_after, pair.before, pair.classes_after);
}

void write_whole(const std::filesystem::path& path, std::string_view bytes) {
  auto part = path;
  part += ".part";
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code code;
  if (file) std::filesystem::rename(part, path, code);
  if (!file || code) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    fail(path.string(), "cannot be written",
         code ? code.message() : "is the disk full, or the folder read-only?");
  }
}

}  // namespace ccexpert::synth

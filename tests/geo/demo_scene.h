// The demo pair as scenes on the ground.
#pragma once

#include <filesystem>
#include <string>

#include <ccexpert/image/decode.h>

#include "geo/scene_files.h"
#include "support/paths.h"

namespace ccexpert::test {

/// Writes an image of the demo pair, before.png or after.png, as a scene, so many times beside itself.
inline std::string write_demo(const std::filesystem::path& path, const std::string& name, int times = 1) {
  const auto image = image::decode_image(std::string(kSourceDir) + "/docs/images/demo/" + name);
  const auto width = static_cast<int>(image.width);
  std::filesystem::create_directories(path.parent_path());
  return write_scene(path, {.width = times * width,
                            .height = static_cast<int>(image.height),
                            .value = [&](int x, int y, int band) {
                              const auto at = static_cast<size_t>(3 * (y * width + x % width) + band);
                              return static_cast<double>(image.pixels[at]);
                            }});
}

}  // namespace ccexpert::test

// Sizes of image files without their pixels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace ccexpert::datasets {

struct ImageSize {
  int64_t height = 0;
  int64_t width = 0;

  bool operator==(const ImageSize&) const = default;
};

/// "256 x 128", the width first.
std::string text_of(const ImageSize& size);

/// Read from the header, or of the decoded image where the header is not at the file's beginning. Throws
/// Error naming the file.
ImageSize image_size(const std::filesystem::path& file);

}  // namespace ccexpert::datasets

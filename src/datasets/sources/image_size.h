// Image sizes from file headers.
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

/// Reads the size from the header, or decodes the image if the header is not at the start of the file. Throws
/// Error with the file.
ImageSize image_size(const std::filesystem::path& file);

}  // namespace ccexpert::datasets

/// Pairs with their captions on one picture.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <ccexpert/image/image.h>

namespace ccexpert::datasets {

struct ViewOptions {
  std::filesystem::path image_root = {};
  int64_t pairs = 12;    ///< drawn at random
  uint64_t seed = 42;    ///< decides which
  int64_t side = 192;    ///< of an image on the sheet in pixels
  int64_t columns = 2;   ///< pairs beside one another
  std::string uid = {};  ///< shows this pair alone
  int64_t captions = 3;  ///< most captions of a pair
};

/// Before, after and mask of some pairs of a list or a data list, their uids and captions below. Throws Error
/// where the list or an image cannot be read.
Image contact_sheet(const std::filesystem::path& list, const ViewOptions& options = {});

}  // namespace ccexpert::datasets

/// Contact sheet of pairs with their captions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <ccexpert/image/image.h>

namespace ccexpert::datasets {

struct ViewOptions {
  std::filesystem::path image_root = {};
  int64_t pairs = 12;    ///< number of randomly drawn pairs
  uint64_t seed = 42;    ///< selects them
  int64_t side = 192;    ///< side of an image on the sheet in pixels
  int64_t columns = 2;   ///< pairs side by side
  std::string uid = {};  ///< shows only this pair
  int64_t captions = 3;  ///< maximum captions per pair

  /// Throws Error with the name of a field that is out of range.
  void validate() const;
};

/// Draws before, after and mask of some pairs of a list or a data list, with uids and captions below. Throws
/// Error if the list or an image cannot be read.
image::Image contact_sheet(const std::filesystem::path& list, const ViewOptions& options = {});

}  // namespace ccexpert::datasets

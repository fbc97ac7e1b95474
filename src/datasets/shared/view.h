/// Contact sheet of pairs with their captions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>

#include <ccexpert/core/fields.h>
#include <ccexpert/image/image.h>

namespace ccexpert::datasets {

struct ViewOptions {
  std::filesystem::path image_root = {};
  int64_t pairs = 12;
  uint64_t seed = 42;
  int64_t side = 192;
  int64_t columns = 2;
  std::string uid = {};  ///< shows only this pair
  int64_t captions = 3;

  static constexpr auto fields() {
    using Self = ViewOptions;
    return std::tuple{field("pairs", &Self::pairs, "number of randomly drawn pairs", in_range(1, 500)),
                      field("side", &Self::side, "side of an image", in_range(32, 1024, "pixels")),
                      field("columns", &Self::columns, "pairs side by side", in_range(1, 10)),
                      field("captions", &Self::captions, "maximum captions per pair", at_least(0)),
                      field("seed", &Self::seed, "seed for the choice of pairs")};
  }

  /// Throws Error with the name of a field that is out of range.
  void validate() const;
};

/// Draws before, after and mask of some pairs of a list or a data list, with uids and captions below. Throws
/// Error if the list or an image cannot be read.
image::Image contact_sheet(const std::filesystem::path& list, const ViewOptions& options = {});

}  // namespace ccexpert::datasets

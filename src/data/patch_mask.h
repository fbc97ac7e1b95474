// Masks of pixels to shares of patches.
#pragma once

#include <vector>

#include <ccexpert/image/preprocess.h>

namespace ccexpert::data {

/// The share of changed pixels (any channel above 0) in each patch of the grid that the vision transformer
/// lays over the preprocessed image: [G,G], G = config.size / patch, row by row. The mask may have any size,
/// and is stretched or padded as `config` does with images; pixels that two patches share count by area, and
/// padding is unchanged.
std::vector<float> patch_shares(const ImageView& mask, const PreprocessConfig& config, int64_t patch);

/// The same for each of `count` classes of a map whose pixels hold a class in every channel: [G,G,count].
/// Throws Error for a class beyond them.
std::vector<float> patch_class_shares(const ImageView& classes, const PreprocessConfig& config, int64_t patch,
                                      int64_t count);

}  // namespace ccexpert::data

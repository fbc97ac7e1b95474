// Conversion of pixel masks to shares of patches.
#pragma once

#include <vector>

#include <ccexpert/image/preprocess.h>

namespace ccexpert::data {

/// Returns the share of changed pixels (any channel above 0) in each patch of the vision transformer's grid
/// over the preprocessed image: [G,G], G = config.size / patch, row-major. The mask may have any size and is
/// stretched or padded as `config` does with images. Pixels that two patches share count by area; padding
/// counts as unchanged.
std::vector<float> patch_shares(const image::ImageView& mask, const image::PreprocessConfig& config,
                                int64_t patch);

/// Returns the shares of each of `count` classes, for a map whose pixels hold the class in every channel:
/// [G,G,count]. Throws Error for a class of `count` or more.
std::vector<float> patch_class_shares(const image::ImageView& classes, const image::PreprocessConfig& config,
                                      int64_t patch, int64_t count);

}  // namespace ccexpert::data

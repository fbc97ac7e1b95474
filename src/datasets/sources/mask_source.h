// Sources with masks but without captions: windows of their pairs, and captions from the masks.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datasets/sources/change_map.h"
#include "datasets/sources/mask_captions.h"
#include "datasets/sources/sink.h"

namespace ccexpert::datasets {

/// Files of a pair, relative to the source's folder.
struct MaskedPair {
  std::string split;
  std::string uid;
  std::string before;
  std::string after;
  std::vector<std::string> labels;  ///< one or two label images of the change
};

/// Class maps of both images, if a source has them.
struct ClassMaps {
  image::Image before;
  image::Image after;
};

/// Decoded label.
struct LabelImage {
  image::Image image;
  bool lossy = false;  ///< from a lossy format such as JPEG
};

struct Labels {
  ChangeMap change;
  std::optional<ClassMaps> classes = {};
};

/// Reader and words of a source's labels.
struct MaskReading {
  std::vector<KindWords> words;
  size_t captions = 5;
  bool label_is_mask = true;  ///< exactly its changed pixels are above 0
  /// Converts decoded labels to changes; throws Error if they are not labels of this source.
  std::function<Labels(const std::vector<LabelImage>& labels)> read;
};

/// Adds the windows of all pairs, decoded in parallel. Skips a pair if all its changes are too small to
/// describe.
void add_masked_pairs(Sink& sink, const std::vector<MaskedPair>& pairs, const MaskReading& reading);

/// Returns kind 1 where any channel is 255, or 1 in a label of 0 and 1; throws Error with a pixel of another
/// value. Values of lossy labels near 0 or 255 count as 0 and 255.
ChangeMap binary_map(const LabelImage& label);

}  // namespace ccexpert::datasets

// Sources that have masks and no captions: windows of their pairs, and sentences from the masks.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "datasets/change_map.h"
#include "datasets/mask_captions.h"
#include "datasets/sink.h"

namespace ccexpert::datasets {

/// Files of one pair, relative to the source's folder.
struct MaskedPair {
  std::string split;
  std::string uid;
  std::string before;
  std::string after;
  std::vector<std::string> labels;  ///< one or two images that say what changed
};

/// Class maps of both images, where a source has them.
struct ClassMaps {
  Image before;
  Image after;
};

/// A decoded label.
struct LabelImage {
  Image image;
  bool lossy = false;  ///< of a format that changes values, as JPEG
};

struct Labels {
  ChangeMap change;
  std::optional<ClassMaps> classes = {};
};

/// How a source's labels are read and spoken of.
struct MaskReading {
  std::vector<KindWords> words;
  size_t captions = 5;
  bool label_is_mask = true;  ///< its changed pixels, and they alone, are above 0
  /// Decoded labels to changes; Error where they are no labels of this source.
  std::function<Labels(const std::vector<LabelImage>& labels)> read;
};

/// Adds the windows of all pairs, decoded on all cores. A pair whose changes are all too small to be spoken
/// of is passed over.
void add_masked_pairs(Sink& sink, const std::vector<MaskedPair>& pairs, const MaskReading& reading);

/// Kind 1 where any channel is 255, or 1 in a label of 0 and 1; Error naming a pixel of another value. Lossy
/// labels are 0 and 255 as far as they are near it.
ChangeMap binary_map(const LabelImage& label);

}  // namespace ccexpert::datasets

/// Parts of a model, by the names of their weights.
#pragma once

#include <optional>
#include <string_view>

namespace ccexpert::model {

enum class Part {  ///< Part of a model
  kVision,         ///< vision tower
  kDiffExpert,     ///< its change extractor and layers
  kWeighting,      ///< the Diff Expert's weights of scales
  kProjector,      ///< from vision features to tokens
  kImageNewline,   ///< vector after each image's tokens
  kDecoder,        ///< embedding, blocks and final norm
  kHead,           ///< a head that is not tied to the embedding
};

/// Returns the part of a weight with this name in the authors' layout; nothing for another name.
std::optional<Part> find_part(std::string_view name);

/// Same, but throws Error for another name.
Part part_of(std::string_view name);

}  // namespace ccexpert::model

#include <algorithm>
#include <array>

#include <ccexpert/core/error.h>
#include <ccexpert/model/parts.h>

#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

struct PrefixOfPart {
  std::string_view prefix;
  Part part;
};

// Longer prefixes first: the first match is used.
constexpr std::array kPrefixes{
    PrefixOfPart{weight_names::kVisionTower, Part::kVision},
    PrefixOfPart{weight_names::kWeighting, Part::kWeighting},
    PrefixOfPart{weight_names::kDiffExpert, Part::kDiffExpert},
    PrefixOfPart{weight_names::kProjector, Part::kProjector},
    PrefixOfPart{weight_names::kEmbedding, Part::kDecoder},
    PrefixOfPart{weight_names::kDecoderBlocks, Part::kDecoder},
    PrefixOfPart{weight_names::kDecoderNorm, Part::kDecoder},
    PrefixOfPart{weight_names::kHead, Part::kHead},
};

}  // namespace

std::optional<Part> find_part(std::string_view name) {
  if (name == weight_names::kImageNewline) return Part::kImageNewline;
  const auto found = std::find_if(kPrefixes.begin(), kPrefixes.end(),
                                  [&](const auto& each) { return name.starts_with(each.prefix); });
  return found == kPrefixes.end() ? std::nullopt : std::optional(found->part);
}

Part part_of(std::string_view name) {
  if (const auto part = find_part(name)) return *part;
  fail_expected({"weight", "a name of the model's layout", name});
}

}  // namespace ccexpert::model

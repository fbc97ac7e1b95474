#include "model/shared/blocks.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

/// Names of blocks continue with their number.
constexpr std::array kBlocks{weight_names::kSiglipBlocks, weight_names::kDiffExpertBlocks,
                             weight_names::kDecoderBlocks};

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

std::string_view block_of(std::string_view weight) {
  const auto prefix =
      std::ranges::find_if(kBlocks, [&](std::string_view each) { return weight.starts_with(each); });
  if (prefix == kBlocks.end()) return {};
  const auto end = weight.find('.', prefix->size());
  if (end == std::string_view::npos || !is_number(weight.substr(prefix->size(), end - prefix->size())))
    return {};
  return weight.substr(0, end);
}

}  // namespace ccexpert::model

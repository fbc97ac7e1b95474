#include "generate/swap_check.h"

#include <algorithm>

namespace ccexpert::generate {
namespace {

bool scores_a_change(const Caption& caption) {
  return caption.change && caption.change->score >= kChangedScore;
}

}  // namespace

bool is_unsure(const CheckedPair& checked, bool calibrated) {
  // The model's own words for no change are those about one image twice.
  std::vector<bool> changed{checked.pair.text != checked.same.text,
                            checked.swapped.text != checked.same.text};
  if (calibrated) {
    if (scores_a_change(checked.same)) return true;
    changed.push_back(scores_a_change(checked.pair));
    changed.push_back(scores_a_change(checked.swapped));
  }
  return std::ranges::adjacent_find(changed, std::ranges::not_equal_to()) != changed.end();
}

}  // namespace ccexpert::generate

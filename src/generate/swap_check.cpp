#include "generate/swap_check.h"

#include <algorithm>

#include "core/unchanged_sentences.h"

namespace ccexpert::generate {
namespace {

/// Returns the words without the full stop at their end.
std::string_view without_stop(std::string_view text) {
  while (text.ends_with('.') || text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool is_known_unchanged(const Caption& caption) {
  return std::ranges::any_of(kUnchangedSentences, [&](std::string_view sentence) {
    return without_stop(sentence) == without_stop(caption.text);
  });
}

/// True unless the caption is a known sentence for no change, or the model's own, that about one image twice.
bool says_a_change(const Caption& caption, const Caption& same) {
  return caption.text != same.text && !is_known_unchanged(caption);
}

/// True if an order has the caption of an image against itself, and that may tell of a change.
bool may_repeat_a_change(const CheckedPair& checked) {
  const auto& same = checked.same;
  if (is_known_unchanged(same)) return false;
  return checked.pair.text == same.text || checked.swapped.text == same.text;
}

bool scores_a_change(const Caption& caption) {
  return caption.change && caption.change->score >= kChangedScore;
}

}  // namespace

bool is_unsure(const CheckedPair& checked, bool calibrated) {
  std::vector<bool> changed{says_a_change(checked.pair, checked.same),
                            says_a_change(checked.swapped, checked.same)};
  if (calibrated) {
    if (scores_a_change(checked.same)) return true;
    changed.push_back(scores_a_change(checked.pair));
    changed.push_back(scores_a_change(checked.swapped));
  } else if (may_repeat_a_change(checked)) {
    return true;  // no score tells words for no change from a change that is not there
  }
  return std::ranges::adjacent_find(changed, std::ranges::not_equal_to()) != changed.end();
}

}  // namespace ccexpert::generate

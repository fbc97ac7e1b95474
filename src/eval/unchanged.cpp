#include "eval/shared/unchanged.h"

#include <algorithm>
#include <string>

#include <ccexpert/eval/metrics.h>

#include "core/ascii.h"
#include "eval/words.h"

namespace ccexpert::eval {
namespace {

std::string plain(std::string_view sentence) {
  while (sentence.ends_with('.') || sentence.ends_with(' ')) sentence.remove_suffix(1);
  return ascii_lower_case(joined_words(sentence));
}

}  // namespace

bool says_unchanged(std::string_view caption) {
  const auto& sentences = levir_cc_unchanged_sentences();
  return std::any_of(sentences.begin(), sentences.end(),
                     [said = plain(caption)](const std::string& each) { return plain(each) == said; });
}

}  // namespace ccexpert::eval

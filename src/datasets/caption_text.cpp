#include "datasets/caption_text.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/ascii.h"

namespace ccexpert::datasets {
namespace {

struct Replacement {
  std::string_view from;
  std::string_view to;
};

/// Quotes, dashes, the ellipsis, spaces of other widths and the byte order mark.
constexpr std::array<Replacement, 12> kTypographic{{{"\xE2\x80\x98", "'"},
                                                    {"\xE2\x80\x99", "'"},
                                                    {"\xE2\x80\x9C", "\""},
                                                    {"\xE2\x80\x9D", "\""},
                                                    {"\xE2\x80\x93", "-"},
                                                    {"\xE2\x80\x94", "-"},
                                                    {"\xE2\x80\xA6", "..."},
                                                    {"\xC2\xA0", " "},
                                                    {"\xE2\x80\x89", " "},
                                                    {"\xE2\x80\xAF", " "},
                                                    {"\xE2\x80\x8B", ""},
                                                    {"\xEF\xBB\xBF", ""}}};

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

/// Returns the replacement for the start of `text`, or null.
const Replacement* typographic(std::string_view text) {
  const auto found = std::find_if(kTypographic.begin(), kTypographic.end(),
                                  [&](const Replacement& each) { return text.starts_with(each.from); });
  return found == kTypographic.end() ? nullptr : &*found;
}

std::string plain_characters(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    const char c = text.front();
    const auto* replaced = (static_cast<unsigned char>(c) & 0x80) != 0 ? typographic(text) : nullptr;
    if (replaced != nullptr) {
      plain += replaced->to;
      text.remove_prefix(replaced->from.size());
      continue;
    }
    plain += is_control(c) ? ' ' : c;
    text.remove_prefix(1);
  }
  return plain;
}

bool closes(char c) {
  return std::string_view(".,;:!?)]").find(c) != std::string_view::npos;
}

/// True for a mark at the end or before a space: ".5" keeps the space before it.
bool closes_at(std::string_view text, size_t i) {
  return closes(text[i]) && (i + 1 == text.size() || text[i + 1] == ' ' || closes(text[i + 1]));
}

std::string single_blanks(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ' && (result.empty() || result.back() == ' ')) continue;
    if (closes_at(text, i) && !result.empty() && result.back() == ' ') result.pop_back();
    result += text[i];
  }
  while (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

bool has_word(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c >= 0x80 || std::isalnum(c) != 0; });
}

}  // namespace

std::string clean_caption(std::string_view text) {
  auto result = single_blanks(plain_characters(text));
  while (result.ends_with("..")) result.pop_back();
  return has_word(result) ? result : "";
}

bool says_no_change(std::string_view caption) {
  // Phrases of LEVIR-CC's five sentences, CLEVR-Change, our own captions, and variants written by models.
  constexpr std::array<std::string_view, 28> kPhrases{
      "no difference",        "same as before",      "no change",
      "nothing has changed",  "nothing changed",     "nothing was changed",
      "nothing was modified", "seem identical",      "are identical",
      "look identical",       "remains the same",    "remain the same",
      "are the same",         "is the same",         "stays the same",
      "stay the same",        "has not changed",     "have not changed",
      "did not change",       "does not change",     "looks identical",
      "nothing is different", "no visible change",   "unchanged",
      "exactly the same",     "not been any change", "no obvious change",
      "no noticeable change"};
  const auto text = ascii_lower_case(caption);
  const bool found = std::any_of(kPhrases.begin(), kPhrases.end(), [&](std::string_view phrase) {
    return text.find(phrase) != std::string::npos;
  });
  // "the road is the same, but a house is built" does report a change.
  return found && text.find(" but ") == std::string::npos && text.find(" except") == std::string::npos;
}

void add_new_captions(std::vector<std::string>& captions, const std::vector<std::string>& more) {
  for (const auto& caption : more) {
    if (std::find(captions.begin(), captions.end(), caption) == captions.end()) captions.push_back(caption);
  }
}

}  // namespace ccexpert::datasets

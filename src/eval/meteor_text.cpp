#include "eval/meteor_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "eval/words.h"
#include "text/shared/unicode.h"

namespace ccexpert::eval {
namespace {

using Text = std::u32string;

constexpr char32_t kBlank = U' ';

/// Latin and Cyrillic letters; those of other scripts are separated one by one like punctuation.
constexpr std::array<std::pair<char32_t, char32_t>, 9> kLetters{{{U'A', U'Z'},
                                                                 {U'a', U'z'},
                                                                 {0xc0, 0xd6},
                                                                 {0xd8, 0xf6},
                                                                 {0xf8, 0x17e},
                                                                 {0x400, 0x527},
                                                                 {0x1d00, 0x1d7f},
                                                                 {0xa640, 0xa66e},
                                                                 {0xa67e, 0xa697}}};

bool is_letter(char32_t c) {
  return std::any_of(kLetters.begin(), kLetters.end(),
                     [c](const auto& range) { return c >= range.first && c <= range.second; });
}

bool is_digit(char32_t c) {
  return c >= U'0' && c <= U'9';
}

bool is_space(char32_t c) {
  return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
}

Text to_text(std::string_view utf8) {
  const auto units =
      icu::UnicodeString::fromUTF8(icu::StringPiece(utf8.data(), static_cast<int32_t>(utf8.size())));
  Text text;
  for (int32_t i = 0; i < units.length(); i = units.moveIndex32(i, 1))
    text += static_cast<char32_t>(units.char32At(i));
  return text;
}

std::string to_utf8(const Text& text) {
  std::string utf8;
  for (const char32_t c : text) icu::UnicodeString(static_cast<UChar32>(c)).toUTF8String(utf8);
  return utf8;
}

/// Replaces each doubled mark by one other mark, from left to right.
Text with_pairs_joined(const Text& text, char32_t mark, char32_t joined) {
  Text result;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool doubled = text[i] == mark && i + 1 < text.size() && text[i + 1] == mark;
    result += doubled ? joined : text[i];
    if (doubled) ++i;
  }
  return result;
}

/// Replaces typographic quotation marks and dashes by ASCII ones.
Text with_plain_marks(const Text& text) {
  Text result;
  for (const char32_t c : text) {
    if (c == U'‘' || c == U'’' || c == U'`') {
      result += U'\'';
    } else if (c == U'“' || c == U'”') {
      result += U'"';
    } else if (c == U'–') {
      result += U" - ";
    } else {
      result += is_space(c) ? kBlank : c;
    }
  }
  return with_pairs_joined(with_pairs_joined(result, U'-', U'-'), U'\'', U'"');
}

/// Puts spaces around every mark except those that may occur within a word.
Text with_marks_apart(const Text& text) {
  constexpr std::u32string_view kWithinWords = U" .',-";
  Text result;
  for (const char32_t c : text) {
    if (is_letter(c) || is_digit(c) || kWithinWords.find(c) != Text::npos) {
      result += c;
    } else {
      result += {kBlank, c, kBlank};
    }
  }
  return result;
}

/// Puts spaces around two or more full stops in a row.
Text with_ellipses_apart(const Text& text) {
  Text result;
  for (size_t i = 0; i < text.size();) {
    const size_t end = std::min(text.find_first_not_of(U'.', i), text.size());
    if (end - i >= 2) {
      result += kBlank + text.substr(i, end - i) + kBlank;
      i = end;
    } else {
      result += text[i++];
    }
  }
  return result;
}

/// Replaces `mark` between characters that `left` and `right` accept. Matches do not overlap, as with a
/// regular expression: the search continues after each match.
template <class Left, class Right>
Text replaced_between(const Text& text, char32_t mark, Left left, Right right, const Text& replacement) {
  Text result;
  for (size_t i = 0; i < text.size();) {
    if (i + 2 < text.size() && text[i + 1] == mark && left(text[i]) && right(text[i + 2])) {
      result += text[i] + replacement + text[i + 2];
      i += 3;
    } else {
      result += text[i++];
    }
  }
  return result;
}

Text with_commas_apart(Text text) {
  const auto other = [](char32_t c) { return !is_digit(c); };
  const Text apart = U" , ";
  text = replaced_between(text, U',', other, other, apart);
  text = replaced_between(text, U',', is_digit, other, apart);
  return replaced_between(text, U',', other, is_digit, apart);
}

Text with_apostrophes_apart(Text text) {
  const auto no_letter = [](char32_t c) { return !is_letter(c); };
  const auto mark = [](char32_t c) { return !is_letter(c) && !is_digit(c); };
  const auto is_s = [](char32_t c) { return c == U's'; };
  const Text apart = U" ' ", suffix = U" '";
  text = replaced_between(text, U'\'', no_letter, no_letter, apart);
  text = replaced_between(text, U'\'', mark, is_letter, apart);
  text = replaced_between(text, U'\'', is_letter, no_letter, apart);
  text = replaced_between(text, U'\'', is_letter, is_letter, suffix);
  return replaced_between(text, U'\'', is_digit, is_s, suffix);
}

Text with_compounds_apart(const Text& text) {
  const auto left = [](char32_t c) { return is_letter(c) || is_digit(c) || c == U'.'; };
  const auto right = [](char32_t c) { return is_letter(c) || is_digit(c); };
  return replaced_between(text, U'-', left, right, U" ");
}

std::vector<Text> split(const Text& text) {
  std::vector<Text> words;
  for (size_t i = text.find_first_not_of(kBlank); i != Text::npos; i = text.find_first_not_of(kBlank, i)) {
    const size_t end = std::min(text.find(kBlank, i), text.size());
    words.push_back(text.substr(i, end - i));
    i = end;
  }
  return words;
}

/// True if a full stop after `word` (given without it) and before `next` belongs to the word.
bool keeps_full_stop(const Text& word, const Text& next, const Abbreviations& abbreviations) {
  const auto utf8 = to_utf8(word);
  if (abbreviations.always.contains(utf8)) return true;
  if (next.empty()) return false;
  if (u_islower(static_cast<UChar32>(next.front())) != 0) return true;
  return abbreviations.before_number.contains(utf8) && is_digit(next.front());
}

/// Adds a word as METEOR does: acronyms lose their full stops, other full stops are words.
void add_word(const Text& word, const Text& next, const Abbreviations& abbreviations,
              std::vector<std::string>& words) {
  const bool only_stops = word.find_first_not_of(U'.') == Text::npos;
  if (only_stops || word.back() != U'.') {
    words.push_back(to_utf8(word));
    return;
  }
  Text stem = word.substr(0, word.size() - 1);
  if (stem.find(U'.') != Text::npos && std::any_of(stem.begin(), stem.end(), is_letter)) {
    std::erase(stem, U'.');
    words.push_back(to_utf8(stem));
  } else if (keeps_full_stop(stem, next, abbreviations)) {
    words.push_back(to_utf8(word));
  } else {
    words.push_back(to_utf8(stem));
    words.emplace_back(".");
  }
}

}  // namespace

Abbreviations parse_abbreviations(std::string_view text) {
  Abbreviations abbreviations;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto parts = split_words(line);
    if (parts.empty() || parts.front().starts_with('#')) continue;
    const bool numeric = parts.size() > 1 && parts[1] == "#NUMERIC_ONLY#";
    (numeric ? abbreviations.before_number : abbreviations.always).emplace(parts.front());
  }
  return abbreviations;
}

std::vector<std::string> meteor_words(std::string_view text, const Abbreviations& abbreviations) {
  const Text padded = kBlank + to_text(text) + kBlank;
  const auto marked = with_ellipses_apart(with_marks_apart(with_plain_marks(padded)));
  const auto parts = split(with_compounds_apart(with_apostrophes_apart(with_commas_apart(marked))));
  std::vector<std::string> words;
  for (size_t i = 0; i < parts.size(); ++i)
    add_word(parts[i], i + 1 < parts.size() ? parts[i + 1] : Text(), abbreviations, words);
  for (auto& word : words) word = text::lower_case(word);
  return words;
}

}  // namespace ccexpert::eval

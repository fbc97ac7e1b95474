// Penn Treebank tokens as the COCO evaluation has them: those of Stanford's tokenizer, without punctuation.
#include "eval/ptb.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "text/pre_tokenizer.h"
#include "text/unicode.h"

namespace ccexpert::eval {
namespace {

/// Of a lower-case line: what becomes one token, in order of precedence; blanks and single characters are the
/// last two.
constexpr std::string_view kPattern =
    // Addresses.
    R"(https?://[^\s"<>|(){}]*[^\s"<>|(){}.,;:!?]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|@\w+)"
    // Contractions, which are two words.
    R"(|\b(?:can(?=not\b)|gon(?=na\b)|wan(?=na\b)|got(?=ta\b)|gim(?=me\b)|lem(?=me\b))|n't\b)"
    R"(|\by'(?=all\b)|'n'(?=\p{L}))"
    R"(|'(?:s|re|ve|ll|d|m|em|n)\b(?![\p{L}\p{N}])|'t(?=(?:is|was)\b)|'\d\ds?\b)"
    // Words whose full stop is theirs: single letters, acronyms, abbreviations, numbers of things.
    R"(|\b\p{L}(?:\.\p{L})+\b\.?|\b\p{L}\.)"
    R"(|\b(?:mr|mrs|ms|messrs|dr|drs|prof|gen|rep|sen|gov|col|capt|lt|maj|sgt|rev|hon|st|ste|ave|blvd|rd|ft|mt)\.(?!\p{L}))"
    R"(|\b(?:jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|mon|tue|tues|wed|thu|thurs|fri|sat|sun)\.(?!\p{L}))"
    R"(|\b(?:inc|co|corp|ltd|cos|bros|jr|sr|vs|etc|al|cf|dept|univ|assn|esp|seq|pp|vol|ed|eds|ph)\.(?!\p{L}))"
    R"(|\bno\.(?=\s?\d)|\bsq\.)"
    // Characters as HTML spells them; names of two programming languages.
    R"(|&(?:amp|lt|gt|quot|nbsp);|\bc\+\+|\b[cf]#)"
    // Numbers and words, with what joins them. Raised and lowered digits and fractions are tokens of their
    // own.
    R"(|(?<![\p{L}\p{N}])[-+]?(?:\d+(?:[.,:/]\d+)*|\.\d+)(?:[\p{L}\p{M}\d_]|-(?=[\p{L}\d]))*)"
    R"(|(?:[dlo]'(?=\p{L}))?(?:(?!n't\b)[\p{L}\p{M}\p{Nd}_])+)"
    R"((?:[-/.](?=[\p{L}\p{Nd}])(?:(?!n't\b)[\p{L}\p{M}\p{Nd}_])+)*)"
    R"(|<[\p{L}/][^<>\s]*>|\.\.\.|-{2,}|[!?]+|``|''|\s+|.)";

/// Characters that become other tokens. Brackets are spelled in lower case, as everything: the evaluation
/// deletes them in upper case only, so they stay.
constexpr std::array<std::pair<std::string_view, std::string_view>, 18> kSpelled{{{"&amp;", "&"},
                                                                                  {"&lt;", "<"},
                                                                                  {"&gt;", ">"},
                                                                                  {"&quot;", "\""},
                                                                                  {"&nbsp;", " "},
                                                                                  {"(", "-lrb-"},
                                                                                  {")", "-rrb-"},
                                                                                  {"[", "-lsb-"},
                                                                                  {"]", "-rsb-"},
                                                                                  {"{", "-lcb-"},
                                                                                  {"}", "-rcb-"},
                                                                                  {"–", "--"},
                                                                                  {"—", "--"},
                                                                                  {"…", "..."},
                                                                                  {"½", "1/2"},
                                                                                  {"¼", "1/4"},
                                                                                  {"£", "#"},
                                                                                  {"€", "$"}}};

constexpr std::array<std::string_view, 17> kPunctuation{"''", "'",  "``",  "`", ".",  "?", "!", ",", ":",
                                                        "-",  "--", "...", ";", "\"", "“", "”", "‘"};

bool is_dropped(std::string_view token) {
  const bool is_dash = token.size() > 2 && token.find_first_not_of('-') == std::string_view::npos;
  // Java's characters of two halves, as emoji, cannot be tokenized there, and are left out.
  const bool is_of_two_halves = !token.empty() && static_cast<unsigned char>(token.front()) >= 0xf0;
  const bool is_blank = token.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos || token == " ";
  return is_dash || is_blank || is_of_two_halves ||
         std::find(kPunctuation.begin(), kPunctuation.end(), token) != kPunctuation.end();
}

std::string spelled(std::string_view token) {
  for (const auto& [character, other] : kSpelled) {
    if (token == character) return std::string(other);
  }
  return std::string(token);
}

/// Typographic apostrophes are apostrophes.
std::string with_plain_apostrophes(std::string_view line) {
  constexpr std::string_view kTypographic = "’";
  std::string plain;
  for (auto at = line.find(kTypographic); at != std::string_view::npos; at = line.find(kTypographic)) {
    plain.append(line.substr(0, at)).append(1, '\'');
    line.remove_prefix(at + kTypographic.size());
  }
  return plain.append(line);
}

}  // namespace

std::string ptb_tokens(const std::string& line) {
  static const text::PreTokenizer pattern(kPattern, "ptb tokenizer");
  std::string tokens;
  pattern.split(with_plain_apostrophes(text::lower_case(line)), [&](std::string_view part) {
    const auto token = spelled(part);
    if (is_dropped(token)) return;
    if (!tokens.empty()) tokens += ' ';
    tokens += token;
  });
  return tokens;
}

}  // namespace ccexpert::eval

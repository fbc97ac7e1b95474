// Penn Treebank tokens as in the COCO evaluation: those of Stanford's tokenizer, without punctuation.
#include "eval/ptb.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "eval/ptb_characters.h"
#include "text/shared/pre_tokenizer.h"
#include "text/shared/unicode.h"

namespace ccexpert::eval {
namespace {

/// Letters, digits and marks that the tokenizer counts as parts of words.
constexpr const char* kPart =
    R"((?:(?!n't\b)[\p{L}\p{M}\p{Nd}\x{2c2}-\x{2ff}\x{375}\x{384}\x{385}\x{3f6}\x{55a}-\x{55f}\x{6dd}-\x{6fe}\x{70f}]))";
/// Hyphens that join words.
constexpr const char* kHyphen = R"([-\x{58a}\x{2010}\x{2011}])";

/// Patterns of tokens in order of precedence; blanks and single characters come last. PART and HYPHEN are the
/// constants above.
constexpr std::string_view kTokens =
    // Addresses, file names and user names.
    R"((?i)https?://[^\s"<>|(){}]*[^\s"<>|(){}.,;:!?]|[\w.+-]+@[\w-]+(?:\.[\w-]+)*|@\p{L}\w*)"
    R"(|[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|edu)\b)"
    R"(|\bPART+\.(?:bat|bmp|c|cpp|dll|doc|exe|gif|gz|html?|jar|java|jpe?g|mov|mp3|pdf|php|pl|png|ppt|ps|py|sql|tar|txt|wav|x|xml|zip)\b)"
    // Contractions, which are two words, and some that are one.
    R"(|\b(?:ma'am|o'er|e'er|ne'er|c'mon)\b|'(?:cause|til)\b)"
    R"(|\b(?:can(?=not\b)|gon(?=na\b)|wan(?=na\b)|got(?=ta\b)|gim(?=me\b)|lem(?=me\b))|n't\b)"
    R"(|\by'(?=all\b)|'n'(?=\p{L}))"
    R"(|'(?:s|re|ve|ll|d|m|em|n)\b(?![\p{L}\p{N}])|'t(?=(?:is|was)\b)|'\d\ds?\b)"
    // Words with their own full stop: single letters, acronyms, abbreviations, "no." before numbers.
    R"(|\b\p{L}(?:\.\p{L})+\b(?:\.(?!\p{L})|(?!\.\p{L}))|\b\p{L}\.(?!\p{L}))"
    R"(|\b(?:mr|mrs|ms|messrs|dr|drs|prof|gen|rep|sen|gov|col|capt|lt|maj|sgt|rev|hon|st|ste|ave|blvd|rd|ft|mt)\.(?!\p{L}))"
    R"(|\b(?:jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|mon|tue|tues|wed|thu|thurs|fri|sat|sun)\.(?!\p{L}))"
    R"(|\b(?:inc|co|corp|ltd|cos|bros|jr|sr|vs|etc|al|cf|dept|univ|assn|esp|seq|pp|vol|ed|eds|ph)\.(?!\p{L}))"
    R"(|\b(?:no|figs?)\.(?=\s?\d)|\bsq\.)"
    // HTML entities; names of two programming languages, of companies and of currencies.
    R"(|&(?:amp|lt|gt|quot|nbsp);|\bc\+\+|\b[cf]#|\b(?-i:[A-Z]+(?:&[A-Z]+)+)(?![\p{L}\p{Nd}])|\b(?-i:[A-Z]+)\$)"
    // Words joined by a slash, a full stop or a mark.
    R"(|PART+(?:HYPHENPART+)*(?:/PART+(?:HYPHENPART+)*)+|\p{L}PART*(?:[.!?](?=\p{L})PART+)+(?:HYPHENPART+)*)"
    // Numbers: a mixed number contains a non-breaking space.
    R"(|\d+ \d+/\d+(?![\d/])|(?:[-+][.,:]?|[.,:])\d+(?:[.,:/\x{66b}\x{66c}\x{2044}]\d+)*)"
    R"(|\d+(?:[.,/\x{66b}\x{66c}\x{2044}]\d+)+(?:HYPHENPART+)*|\d+(?:[.,:/\x{66b}\x{66c}\x{2044}]\d+)+)"
    // Words, including hyphens and underscores within them.
    R"(|\banti-(?![\p{L}\p{Nd}])|(?:[dlo]'(?=\p{L}))?PART+(?:(?:HYPHEN|_+)(?=[\p{L}\p{Nd}])PART+)*)"
    R"(|<[\p{L}/][^<>\s]*>|\.\.\.|-{2,}|[!?]+|\*+|#\p{L}PART*|#+|_+|``|''|\s+|.)";

/// Returns kTokens with PART and HYPHEN substituted.
std::string token_pattern() {
  std::string pattern(kTokens);
  for (const auto& [name, text] : {std::pair("PART", kPart), {"HYPHEN", kHyphen}}) {
    for (auto at = pattern.find(name); at != std::string::npos; at = pattern.find(name, at))
      pattern.replace(at, std::string_view(name).size(), text);
  }
  return pattern;
}

/// Characters that become other tokens. Brackets are written in lower case like everything: the evaluation
/// deletes only their upper-case forms, so they stay.
constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kSpelled{{{"&amp;", "&"},
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
                                                                                  {"…", "..."}}};

constexpr std::array<std::string_view, 25> kPunctuation{
    "''", "'", "``", "`", ".",      "?",      "!",      ",",      ":",      "-",      "--",     "...",   ";",
    "\"", "“", "”",  "‘", "\u2012", "\u2013", "\u201b", "\u058a", "\u2010", "\u2011", "\u066b", "\u066c"};

bool is_dropped(std::string_view token) {
  const bool is_dash = token.size() > 2 && token.find_first_not_of('-') == std::string_view::npos;
  const bool is_blank = token.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos || token == " ";
  return is_dash || is_blank ||
         std::find(kPunctuation.begin(), kPunctuation.end(), token) != kPunctuation.end();
}

std::string spelled(std::string_view token) {
  for (const auto& [character, other] : kSpelled) {
    if (token == character) return std::string(other);
  }
  return std::string(token);
}

/// Makes the space within a mixed number non-breaking.
std::string with_fixed_blank(std::string token) {
  constexpr std::string_view kFixed = "\u00a0";
  if (const auto blank = token.find(' '); blank != std::string::npos) token.replace(blank, 1, kFixed);
  return token;
}

}  // namespace

std::string ptb_tokens(const std::string& line) {
  static const text::PreTokenizer pattern(token_pattern(), "ptb tokenizer");
  std::string tokens;
  pattern.split(ptb_characters(line), [&](std::string_view part) {
    const auto token = spelled(text::lower_case(part));
    if (is_dropped(token)) return;
    if (!tokens.empty()) tokens += ' ';
    tokens += with_fixed_blank(token);
  });
  return tokens;
}

}  // namespace ccexpert::eval

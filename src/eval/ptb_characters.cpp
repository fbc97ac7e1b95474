#include "eval/ptb_characters.h"

#include <algorithm>
#include <array>
#include <utility>

#include <unicode/uchar.h>

#include "eval/words.h"

namespace ccexpert::eval {
namespace {

using Range = std::pair<char32_t, char32_t>;

/// Measured with the tokenizer for every character of the first plane: alone, within a word and within a
/// number. Its tables are of Unicode 6 or older: later signs and marks are dropped.
///
/// Tokens of one character.
constexpr std::array<Range, 65> kSigns{
    {{0xa1, 0xa1},     {0xa5, 0xa9},     {0xac, 0xac},     {0xae, 0xb4},     {0xb6, 0xb9},
     {0xbf, 0xbf},     {0xd7, 0xd7},     {0xf7, 0xf7},     {0x37e, 0x37e},   {0x387, 0x387},
     {0x589, 0x589},   {0x5be, 0x5be},   {0x5c0, 0x5c0},   {0x5c3, 0x5c3},   {0x5c6, 0x5c6},
     {0x5f3, 0x603},   {0x606, 0x60c},   {0x614, 0x614},   {0x61b, 0x61b},   {0x61e, 0x61f},
     {0x66a, 0x66a},   {0x66d, 0x66d},   {0x6d4, 0x6d4},   {0x700, 0x70d},   {0x7f6, 0x7f8},
     {0x964, 0x965},   {0xe3f, 0xe3f},   {0xe4f, 0xe4f},   {0x1fbd, 0x1fbd}, {0x2016, 0x2017},
     {0x201a, 0x201a}, {0x201e, 0x2023}, {0x2030, 0x2038}, {0x203b, 0x203b}, {0x203e, 0x2042},
     {0x2044, 0x2044}, {0x2070, 0x2070}, {0x2074, 0x207e}, {0x2080, 0x208e}, {0x20a4, 0x20a4},
     {0x2100, 0x2101}, {0x2103, 0x2106}, {0x2108, 0x2109}, {0x2114, 0x2114}, {0x2116, 0x2118},
     {0x211e, 0x2123}, {0x2125, 0x2125}, {0x2127, 0x2127}, {0x2129, 0x2129}, {0x212e, 0x212e},
     {0x213a, 0x213b}, {0x2140, 0x2144}, {0x214a, 0x214d}, {0x214f, 0x214f}, {0x2155, 0x215e},
     {0x2190, 0x2bff}, {0x3001, 0x3002}, {0x3012, 0x3012}, {0x30fb, 0x30fb}, {0xff01, 0xff0f},
     {0xff1a, 0xff20}, {0xff3b, 0xff40}, {0xff5b, 0xff65}, {0xffe0, 0xffe1}, {0xffe5, 0xffe6}}};

/// Marks and modifiers that are parts of words.
constexpr std::array<Range, 52> kMarks{
    {{0x2c2, 0x2c5}, {0x2d2, 0x2df}, {0x2e5, 0x2eb}, {0x2ed, 0x2ed}, {0x2ef, 0x36f}, {0x375, 0x375},
     {0x384, 0x385}, {0x3f6, 0x3f6}, {0x483, 0x487}, {0x55a, 0x55f}, {0x591, 0x5bd}, {0x5bf, 0x5bf},
     {0x5c1, 0x5c2}, {0x5c4, 0x5c5}, {0x5c7, 0x5c7}, {0x615, 0x61a}, {0x64b, 0x65e}, {0x670, 0x670},
     {0x6d6, 0x6e4}, {0x6e7, 0x6ed}, {0x6fd, 0x6fe}, {0x70f, 0x70f}, {0x711, 0x711}, {0x730, 0x74a},
     {0x7a6, 0x7b0}, {0x7eb, 0x7f3}, {0x900, 0x903}, {0x93c, 0x93c}, {0x93e, 0x94e}, {0x951, 0x955},
     {0x962, 0x963}, {0x981, 0x983}, {0x9bc, 0x9bc}, {0x9be, 0x9cd}, {0x9d7, 0x9d7}, {0x9e2, 0x9e3},
     {0xa01, 0xa03}, {0xa3c, 0xa4d}, {0xa81, 0xa83}, {0xabc, 0xabc}, {0xabe, 0xacd}, {0xb82, 0xb82},
     {0xbbe, 0xbcd}, {0xc01, 0xc03}, {0xc3e, 0xc56}, {0xd3e, 0xd48}, {0xe31, 0xe31}, {0xe34, 0xe3a},
     {0xe47, 0xe4e}, {0xeb1, 0xeb1}, {0xeb4, 0xebc}, {0xec8, 0xecd}}};

/// Dashes, quotation marks, an ellipsis and number separators that token patterns use.
constexpr std::array<Range, 5> kPunctuation{
    {{0x58a, 0x58a}, {0x66b, 0x66c}, {0x2010, 0x2014}, {0x2018, 0x201d}, {0x2026, 0x2026}}};

constexpr char32_t kLastCharacter = 0x10ffff;
constexpr char32_t kSoftHyphen = 0xad;
constexpr char32_t kEndOfFirstPlane = 0x10000;

constexpr std::array<std::pair<char32_t, std::string_view>, 11> kSpelled{{{0xa2, " cents "},
                                                                          {0xa3, " # "},
                                                                          {0xa4, " $ "},
                                                                          {0x20a0, " $ "},
                                                                          {0x20ac, " $ "},
                                                                          {0xbc, "  1/4 "},
                                                                          {0xbd, "  1/2 "},
                                                                          {0xbe, "  3/4 "},
                                                                          {0x2019, "'"},
                                                                          {0x2153, "  1/3 "},
                                                                          {0x2154, "  2/3 "}}};

template <size_t count>
bool is_in(const std::array<Range, count>& ranges, char32_t character) {
  const auto above = std::upper_bound(ranges.begin(), ranges.end(), Range(character, kLastCharacter));
  return above != ranges.begin() && character <= std::prev(above)->second;
}

bool is_kept(char32_t character) {
  if (character < 0x7f) return character >= ' ';
  if (character >= kEndOfFirstPlane) return false;
  const auto code = static_cast<UChar32>(character);
  return u_isalpha(code) != 0 || u_isdigit(code) != 0 || is_in(kSigns, character) ||
         is_in(kMarks, character) || is_in(kPunctuation, character);
}

std::string_view spelling_of(char32_t character) {
  for (const auto& [code, text] : kSpelled) {
    if (code == character) return text;
  }
  return {};
}

}  // namespace

std::string ptb_characters(std::string_view line) {
  std::string result;
  for (size_t start = 0; start < line.size();) {
    size_t end = start;
    const char32_t character = next_character(line, end);
    if (const auto spelling = spelling_of(character); !spelling.empty()) {
      result += spelling;
    } else if (is_kept(character)) {
      result += line.substr(start, end - start);
    } else if (character != kSoftHyphen) {
      result += ' ';
    }
    start = end;
  }
  return result;
}

}  // namespace ccexpert::eval

#include "eval/words.h"

#include <unicode/uchar.h>

namespace ccexpert::eval {
namespace {

/// True for white space as in Python: Unicode's, and four ASCII separators.
bool is_blank(char32_t character) {
  return (character >= 0x1c && character <= 0x1f) || u_isUWhiteSpace(static_cast<UChar32>(character)) != 0;
}

}  // namespace

char32_t next_character(std::string_view text, size_t& position) {
  const auto byte = [&] { return static_cast<unsigned char>(text[position]); };
  const unsigned lead = byte();
  ++position;
  if (lead < 0x80) return lead;
  unsigned character = lead & (lead >= 0xf0 ? 0x07u : lead >= 0xe0 ? 0x0fu : 0x1fu);
  for (; position < text.size() && (byte() & 0xc0u) == 0x80; ++position)
    character = (character << 6) | (byte() & 0x3fu);
  return character;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  size_t start = 0;
  for (size_t position = 0; position < text.size();) {
    const size_t here = position;
    if (!is_blank(next_character(text, position))) continue;
    if (here > start) words.push_back(text.substr(start, here - start));
    start = position;
  }
  if (text.size() > start) words.push_back(text.substr(start));
  return words;
}

std::vector<std::string_view> split_blanks(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t blank = text.find(' '); blank != std::string_view::npos; blank = text.find(' ')) {
    words.push_back(text.substr(0, blank));
    text.remove_prefix(blank + 1);
  }
  words.push_back(text);
  return words;
}

std::string joined_words(std::string_view text) {
  std::string joined;
  for (const auto word : split_words(text)) {
    if (!joined.empty()) joined += ' ';
    joined += word;
  }
  return joined;
}

const uint32_t* WordIds::find(std::string_view word) const {
  if (base_ != nullptr) {
    if (const auto* known = base_->find(word)) return known;
  }
  const auto own = ids_.find(word);
  return own == ids_.end() ? nullptr : &own->second;
}

uint32_t WordIds::id(std::string_view word) {
  if (const auto* known = find(word)) return *known;
  const auto fresh = static_cast<uint32_t>(size());
  ids_.emplace(word, fresh);
  return fresh;
}

std::vector<uint32_t> WordIds::ids(const std::vector<std::string_view>& words) {
  std::vector<uint32_t> result;
  result.reserve(words.size());
  for (const auto word : words) result.push_back(id(word));
  return result;
}

}  // namespace ccexpert::eval

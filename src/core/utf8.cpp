#include "core/utf8.h"

#include <algorithm>
#include <cstdint>

namespace ccexpert {
namespace {

/// Length that a first byte announces, its bits, and the smallest valid code point (a smaller one is an
/// invalid "overlong" form).
struct Lead {
  size_t bytes;
  char32_t bits;
  char32_t least;
};

Lead lead_of(uint8_t byte) {
  if (byte >= 0xc2 && byte < 0xe0) return {2, byte & 0x1fU, 0x80};
  if (byte >= 0xe0 && byte < 0xf0) return {3, byte & 0x0fU, 0x800};
  if (byte >= 0xf0 && byte < 0xf5) return {4, byte & 0x07U, 0x10000};
  return {1, byte, byte < 0x80 ? 0U : 0x110000U};
}

bool is_code_point(char32_t code) {
  return code < 0xd800 || (code > 0xdfff && code <= 0x10ffff);
}

}  // namespace

Utf8Character character_at(std::string_view text, size_t place) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[place + i]); };
  const Lead lead = lead_of(byte(0));
  const Utf8Character invalid{byte(0), 1, false};
  if (place + lead.bytes > text.size()) return invalid;
  char32_t code = lead.bits;
  for (size_t i = 1; i < lead.bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return invalid;
    code = code << 6 | (byte(i) & 0x3fU);
  }
  return code >= lead.least && is_code_point(code) ? Utf8Character{code, lead.bytes, true} : invalid;
}

size_t first_invalid_utf8(std::string_view text) {
  for (size_t place = 0; place < text.size();) {
    const auto* begin = text.data() + place;
    const auto* end = text.data() + text.size();
    place += static_cast<size_t>(std::find_if(begin, end, [](char c) { return (c & 0x80) != 0; }) - begin);
    if (place == text.size()) break;
    const auto character = character_at(text, place);
    if (!character.valid) return place;
    place += character.bytes;
  }
  return std::string_view::npos;
}

void append_utf8(std::string& text, char32_t code) {
  const auto trail = [&](int shift) { text += static_cast<char>(0x80U | (code >> shift & 0x3fU)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0U | code >> 6);
    trail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0U | code >> 12);
    trail(6);
    trail(0);
  } else {
    text += static_cast<char>(0xf0U | code >> 18);
    trail(12);
    trail(6);
    trail(0);
  }
}

}  // namespace ccexpert

// UTF-8, one character at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccexpert {

/// A character and the number of its bytes. A byte that begins no character is one of its own: `valid` is
/// false and `code` is the byte.
struct Utf8Character {
  char32_t code;
  size_t bytes;
  bool valid;
};

/// The character at `place`, which lies within `text`.
Utf8Character character_at(std::string_view text, size_t place);

/// The place of the first byte that begins no character; npos if the text is UTF-8.
size_t first_invalid_utf8(std::string_view text);

/// Appends a code point up to U+10FFFF.
void append_utf8(std::string& text, char32_t code);

}  // namespace ccexpert

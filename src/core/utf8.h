// UTF-8, one character at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccexpert {

/// Character and the number of its bytes. An invalid byte counts as one character: `valid` is false and
/// `code` is the byte.
struct Utf8Character {
  char32_t code;
  size_t bytes;
  bool valid;
};

/// Returns the character at `place`, which must be inside `text`.
Utf8Character character_at(std::string_view text, size_t place);

/// Returns the position of the first invalid byte; npos if the text is UTF-8.
size_t first_invalid_utf8(std::string_view text);

/// Appends a code point up to U+10FFFF.
void append_utf8(std::string& text, char32_t code);

}  // namespace ccexpert

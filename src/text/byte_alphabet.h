// GPT-2's printable characters for bytes, in which files write tokens.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace ccexpert::text {

/// Returns the character of each byte: the byte itself if printable, else a character from U+0100 on.
std::array<char32_t, 256> byte_alphabet();

/// Returns bytes in the alphabet of the files, in UTF-8.
std::string to_byte_alphabet(std::string_view bytes);

}  // namespace ccexpert::text

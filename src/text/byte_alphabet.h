// GPT-2's printable stand-ins for bytes, in which files write tokens.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace ccexpert::text {

/// The character of each byte: itself where it is printable, else one from U+0100 on.
std::array<char32_t, 256> byte_alphabet();

/// Bytes as a file writes them, in UTF-8.
std::string to_byte_alphabet(std::string_view bytes);

}  // namespace ccexpert::text

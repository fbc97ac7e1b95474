#include "text/byte_alphabet.h"

namespace ccexpert::text {

std::array<char32_t, 256> byte_alphabet() {
  std::array<char32_t, 256> alphabet{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    alphabet[byte] = printable ? byte : next++;
  }
  return alphabet;
}

std::string to_byte_alphabet(std::string_view bytes) {
  static const auto alphabet = byte_alphabet();
  std::string text;
  for (const char byte : bytes) {
    const char32_t character = alphabet[static_cast<uint8_t>(byte)];
    if (character < 0x80) {
      text += static_cast<char>(character);
    } else {  // the whole alphabet is below U+0800
      text += static_cast<char>(0xc0 | character >> 6);
      text += static_cast<char>(0x80 | (character & 0x3f));
    }
  }
  return text;
}

}  // namespace ccexpert::text

// Bytes as text (RFC 4648).
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace ccexpert::datasets {

inline std::string base64(std::span<const uint8_t> bytes) {
  constexpr const char* kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t there = bytes.size() - i;
    const uint32_t group = static_cast<uint32_t>(bytes[i]) << 16 |
                           (there > 1 ? static_cast<uint32_t>(bytes[i + 1]) << 8 : 0) |
                           (there > 2 ? static_cast<uint32_t>(bytes[i + 2]) : 0);
    text += kDigits[group >> 18];
    text += kDigits[group >> 12 & 63];
    text += there > 1 ? kDigits[group >> 6 & 63] : '=';
    text += there > 2 ? kDigits[group & 63] : '=';
  }
  return text;
}

}  // namespace ccexpert::datasets

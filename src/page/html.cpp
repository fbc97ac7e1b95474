#include "page/html.h"

#include <string_view>

#include <ccexpert/core/error.h>

#include "core/files.h"

namespace ccexpert::page {
namespace {

/// Returns the media type by the first bytes; nullptr if browsers cannot show it.
const char* media_type(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG")) return "image/png";
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (bytes.starts_with("BM")) return "image/bmp";
  if (bytes.starts_with("RIFF") && bytes.size() > 12 && bytes.substr(8, 4) == "WEBP") return "image/webp";
  return nullptr;
}

}  // namespace

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j)
      group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0U);
    for (size_t j = 0; j < 4; ++j) text += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::string html_escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

std::string script_safe(std::string_view json) {
  std::string result;
  for (const char c : json) result += c == '<' ? "\\u003c" : std::string(1, c);
  return result;
}

std::string picture_address(const std::filesystem::path& path, uint64_t limit) {
  std::string bytes;
  try {
    bytes = read_file(path, limit);
  } catch (const Error&) {
    // The page shows a note instead of the picture.
    return {};
  }
  const char* type = media_type(bytes);
  return type == nullptr ? std::string()
                         : std::string("data:").append(type).append(";base64,") + base64(bytes);
}

}  // namespace ccexpert::page

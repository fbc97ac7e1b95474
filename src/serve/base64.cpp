#include "serve/base64.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/ascii.h"
#include "core/printable.h"
#include "serve/http.h"

namespace ccexpert::serve {
namespace {

constexpr uint8_t kNoDigit = 64;

constexpr std::array<uint8_t, 256> digits() {
  std::array<uint8_t, 256> values{};
  values.fill(kNoDigit);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  values[static_cast<uint8_t>('-')] = 62;
  values[static_cast<uint8_t>('_')] = 63;
  return values;
}

/// Bytes from the start within which an address has its "://".
constexpr size_t kLongestScheme = 24;
/// Bytes of an address or a name in a message.
constexpr size_t kMostShown = 80;
constexpr size_t kLongestFileName = 1024;

}  // namespace

std::vector<uint8_t> from_base64(std::string_view text, std::string_view name) {
  static constexpr auto kDigits = digits();
  size_t padding = 0;
  for (; !text.empty() && (text.back() == '=' || text.back() == '\n' || text.back() == '\r');
       text.remove_suffix(1))
    padding += text.back() == '=' ? 1 : 0;
  std::vector<uint8_t> bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  int count = 0;
  size_t all = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || text[i] == '\r') continue;
    const auto digit = kDigits[static_cast<uint8_t>(text[i])];
    if (digit == kNoDigit)
      fail_expected({name, "Base64", fmt::format("another character at place {}", i + 1)});
    ++all;
    bits = bits << 6 | digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<uint8_t>(bits >> count));
  }
  if (count >= 6) fail_expected({name, "whole Base64", "a text that ends within a byte"});
  if (padding > 0 && (padding > 2 || (all + padding) % 4 != 0))
    fail_expected({name, "Base64 with the right number of \"=\"", std::to_string(padding)});
  if ((bits & ((1U << count) - 1)) != 0) fail_expected({name, "whole Base64", "bits after the last byte"});
  return bytes;
}

std::vector<uint8_t> image_bytes(std::string_view text, std::string_view name) {
  if (text.starts_with("data:")) {
    const auto comma = text.find(',');
    const auto head = text.substr(0, comma);
    if (comma == std::string_view::npos || !ascii_lower_case(head).ends_with(";base64"))
      fail_expected({name, "\"data:image/png;base64,...\"", "a data URI without Base64"});
    return from_base64(text.substr(comma + 1), name);
  }
  if (text.substr(0, kLongestScheme).find("://") != std::string_view::npos) {
    fail_expected({name, "a data URI", fmt::format("the address \"{}\"", shortened(text, kMostShown)),
                   "the server fetches nothing: send the image itself"});
  }
  expect_no_file_name(text, name, "send the image itself, not the name of its file");
  return from_base64(text, name);
}

void expect_no_file_name(std::string_view text, std::string_view name, std::string_view hint) {
  // Neither the bytes of an image nor Base64 are like this: those have control characters, and this no dot.
  const auto is_control = [](char letter) { return static_cast<unsigned char>(letter) < ' '; };
  if (text.size() > kLongestFileName || text.find('.') == std::string_view::npos ||
      std::any_of(text.begin(), text.end(), is_control))
    return;
  fail_expected({name, "an image", fmt::format("the text \"{}\"", shortened(text, kMostShown)), hint});
}

}  // namespace ccexpert::serve

#include "text/shared/unicode.h"

#include <algorithm>

#include <fmt/format.h>
#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <ccexpert/core/error.h>

namespace ccexpert::text {
namespace {

bool is_ascii(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

icu::UnicodeString to_unicode(std::string_view bytes) {
  // The library counts in 32 bits, and composition may lengthen a text.
  constexpr size_t kMost = size_t{1} << 28;
  if (bytes.size() > kMost)
    fail_expected({"text", fmt::format("at most {} bytes", kMost), fmt::format("{} bytes", bytes.size())});
  auto text =
      icu::UnicodeString::fromUTF8(icu::StringPiece(bytes.data(), static_cast<int32_t>(bytes.size())));
  if (text.isBogus()) fail("text", "does not fit in free memory");
  return text;
}

/// True if `bytes` is an incomplete prefix of exactly one character.
bool is_character_prefix(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const uint8_t lead = byte(0);
  const size_t trail = U8_COUNT_TRAIL_BYTES(lead);
  if (trail == 0 || bytes.size() > trail) return false;
  if (bytes.size() >= 2) {
    const bool second = trail == 1   ? U8_IS_TRAIL(byte(1))
                        : trail == 2 ? U8_IS_VALID_LEAD3_AND_T1(lead, byte(1)) != 0
                                     : U8_IS_VALID_LEAD4_AND_T1(lead, byte(1)) != 0;
    if (!second) return false;
  }
  return bytes.size() < 3 || U8_IS_TRAIL(byte(2));
}

}  // namespace

std::string repair_utf8(std::string_view bytes) {
  if (is_ascii(bytes)) return std::string(bytes);
  std::string repaired;
  return to_unicode(bytes).toUTF8String(repaired);
}

std::string normalize(std::string_view bytes) {
  if (is_ascii(bytes)) return std::string(bytes);
  UErrorCode status = U_ZERO_ERROR;
  const auto* form = icu::Normalizer2::getNFCInstance(status);
  const auto composed = form->normalize(to_unicode(bytes), status);
  if (U_FAILURE(status)) fail("Unicode normalisation", u_errorName(status));
  std::string normalized;
  return composed.toUTF8String(normalized);
}

std::string lower_case(std::string_view text) {
  std::string lowered;
  if (!is_ascii(text)) return to_unicode(text).toLower(icu::Locale::getRoot()).toUTF8String(lowered);
  lowered.reserve(text.size());
  for (const char c : text) lowered += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lowered;
}

size_t unfinished_bytes(std::string_view bytes) {
  for (size_t count = 1; count <= std::min<size_t>(3, bytes.size()); ++count) {
    if (is_character_prefix(bytes.substr(bytes.size() - count))) return count;
  }
  return 0;
}

}  // namespace ccexpert::text

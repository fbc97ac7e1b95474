#include "core/text_decoder.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/utf8.h"

namespace ccexpert {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kHint = "save it as UTF-8";

/// Reader of UTF-16 units.
class Units {
 public:
  Units(std::string_view bytes, bool is_little) : bytes_(bytes), is_little_(is_little) {}

  size_t place() const { return place_; }
  size_t left() const { return (bytes_.size() - place_) / 2; }

  /// Returns the next code point; nullopt for half a surrogate pair.
  std::optional<char32_t> next() {
    const char32_t unit = unit_at(place_);
    place_ += 2;
    if ((unit & 0xf800U) != 0xd800U) return unit;
    const char32_t low = left() > 0 ? unit_at(place_) : 0;
    if ((unit & 0xfc00U) != 0xd800U || (low & 0xfc00U) != 0xdc00U) return std::nullopt;
    place_ += 2;
    return 0x10000U + ((unit & 0x3ffU) << 10 | (low & 0x3ffU));
  }

  bool is_high_surrogate() const { return (unit_at(place_) & 0xfc00U) == 0xd800U; }

 private:
  char32_t unit_at(size_t place) const {
    const char32_t first = static_cast<unsigned char>(bytes_[place]);
    const char32_t second = static_cast<unsigned char>(bytes_[place + 1]);
    return is_little_ ? second << 8U | first : first << 8U | second;
  }

  std::string_view bytes_;
  bool is_little_;
  size_t place_ = 0;
};

/// Returns the number of bytes of an incomplete character at the end.
size_t unfinished(std::string_view text) {
  for (size_t count = 1; count <= std::min<size_t>(3, text.size()); ++count) {
    const auto byte = static_cast<unsigned char>(text[text.size() - count]);
    const size_t announced = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (announced > 1) return announced > count ? count : 0;
  }
  return 0;
}

size_t count_lines(std::string_view text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

std::string TextDecoder::decode(std::string_view piece, bool is_last) {
  pending_ += piece;
  // A byte order mark has at most four bytes.
  if (encoding_ == Encoding::kUnknown && pending_.size() < 4 && !is_last) return {};
  if (encoding_ == Encoding::kUnknown) choose_encoding();
  return checked(encoding_ == Encoding::kUtf8 ? from_utf8(is_last) : from_utf16(is_last));
}

void TextDecoder::choose_encoding() {
  const std::string_view start = pending_;
  const auto take = [&](Encoding encoding, size_t mark) {
    encoding_ = encoding;
    pending_.erase(0, mark);
  };
  if (start.starts_with("\xff\xfe\0\0"sv) || start.starts_with("\0\0\xfe\xff"sv))
    fail_expected({source_, "UTF-8 text", "UTF-32", kHint});
  if (start.starts_with("\xff\xfe")) return take(Encoding::kLittle, 2);
  if (start.starts_with("\xfe\xff")) return take(Encoding::kBig, 2);
  // ASCII in UTF-16 has a NUL in each pair of bytes, and lists begin with ASCII.
  if (start.size() >= 2 && (start[0] == '\0') != (start[1] == '\0'))
    fail_expected(
        {source_, "UTF-8 text", "UTF-16 without a byte order mark, or bytes that are not text", kHint});
  take(Encoding::kUtf8, start.starts_with("\xef\xbb\xbf") ? 3 : 0);
}

std::string TextDecoder::from_utf8(bool is_last) {
  const size_t whole = pending_.size() - (is_last ? 0 : unfinished(pending_));
  auto text = pending_.substr(0, whole);
  pending_.erase(0, whole);
  return text;
}

std::string TextDecoder::from_utf16(bool is_last) {
  std::string text;
  text.reserve(pending_.size());
  Units units(pending_, encoding_ == Encoding::kLittle);
  while (units.left() > 0) {
    if (!is_last && units.left() == 1 && units.is_high_surrogate()) break;
    const auto code = units.next();
    if (!code) refuse(text, text.size(), "UTF-16 with half a surrogate pair");
    append_utf8(text, *code);
  }
  pending_.erase(0, units.place());
  if (is_last && !pending_.empty()) refuse(text, text.size(), "UTF-16 that ends within a character");
  return text;
}

std::string TextDecoder::checked(std::string text) {
  if (const size_t nul = text.find('\0'); nul != std::string::npos) refuse(text, nul, "a NUL byte");
  if (const size_t invalid = first_invalid_utf8(text); invalid != std::string::npos)
    refuse(text, invalid, fmt::format("the byte \\x{:02x}", static_cast<unsigned char>(text[invalid])));
  lines_ += count_lines(text);
  return text;
}

void TextDecoder::refuse(std::string_view text, size_t place, const std::string& got) const {
  const size_t line = 1 + lines_ + count_lines(text.substr(0, place));
  fail_expected({fmt::format("{}: line {}", source_, line), "UTF-8 text", got, kHint});
}

}  // namespace ccexpert

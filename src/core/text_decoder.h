// Incremental decoder of user-written text files to UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccexpert {

/// Decoder of UTF-8 with or without a byte order mark, and of UTF-16 with one.
class TextDecoder {
 public:
  /// `source` (a file name) starts error messages.
  explicit TextDecoder(std::string source) : source_(std::move(source)) {}

  /// Decodes the next bytes of the file to UTF-8 without the mark; an incomplete character waits for the next
  /// piece, unless this is the last one. Throws Error for UTF-16 without a mark and for UTF-32, and, with the
  /// line, for invalid bytes and for NUL.
  std::string decode(std::string_view piece, bool is_last);

 private:
  enum class Encoding { kUnknown, kUtf8, kLittle, kBig };

  void choose_encoding();
  std::string from_utf8(bool is_last);
  std::string from_utf16(bool is_last);
  std::string checked(std::string text);
  [[noreturn]] void refuse(std::string_view text, size_t place, const std::string& got) const;

  std::string source_;
  Encoding encoding_ = Encoding::kUnknown;
  std::string pending_;
  size_t lines_ = 0;
};

}  // namespace ccexpert

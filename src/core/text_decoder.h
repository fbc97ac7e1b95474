// The bytes of text files that people wrote, to UTF-8, piece by piece.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ccexpert {

/// Takes UTF-8 with or without a byte order mark, and UTF-16 with one.
class TextDecoder {
 public:
  /// `source` (a file name) begins the Errors.
  explicit TextDecoder(std::string source) : source_(std::move(source)) {}

  /// What the next bytes of the file say, in UTF-8 and without the mark; a character that is not whole waits
  /// for the next piece, unless this is the last one. Error for UTF-16 without a mark and for UTF-32, and,
  /// with the line, for bytes that form no character and for NUL.
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

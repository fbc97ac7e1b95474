// Bounds-checked reader of little-endian numbers and byte ranges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <ccexpert/core/error.h>

namespace ccexpert::io {

/// Returns the unsigned number in these bytes (at most 8), least significant first.
inline uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[i - 1]);
  return value;
}

class ByteReader {
 public:
  /// Reads `bytes`, which must outlive the reader. `source` and `part` start the Error for bytes that end too
  /// early.
  ByteReader(std::string_view bytes, std::string_view source, std::string_view part)
      : rest_(bytes), source_(source), part_(part) {}

  std::string_view take(uint64_t count) {
    if (count > rest_.size()) fail(source_, part_, "cut off: damaged or truncated file");
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  uint64_t number(size_t bytes) { return little_endian(take(bytes)); }
  /// Returns the text before the next line break, and skips the line break.
  std::string_view line() {
    const auto end = rest_.find('\n');
    const auto text = take(end == std::string_view::npos ? rest_.size() + 1 : end);
    take(1);
    return text;
  }
  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  std::string_view source_;
  std::string_view part_;
};

}  // namespace ccexpert::io

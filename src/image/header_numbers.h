// Numbers in a file's header.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace ccexpert::image {

class HeaderNumbers {
 public:
  HeaderNumbers(std::span<const uint8_t> bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  /// Returns the unsigned number of `width` bytes (1 to 4) at `offset`; nullopt if the bytes end earlier.
  std::optional<uint32_t> number(size_t offset, size_t width) const {
    if (offset > bytes_.size() || bytes_.size() - offset < width) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < width; ++i) {
      const size_t place = big_endian_ ? offset + i : offset + width - 1 - i;
      value = value << 8 | bytes_[place];
    }
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
  bool big_endian_;
};

}  // namespace ccexpert::image

// BMP decoder: little code, and no library with rules that differ from Pillow's.
#include "image/bmp.h"

#include <algorithm>
#include <bit>

#include <ccexpert/core/error.h>

namespace ccexpert::image {
namespace {

constexpr std::string_view kFormat = "BMP";

using Bytes = std::span<const uint8_t>;

/// Returns one colour of a pixel; `mask` has one contiguous run of ones.
uint8_t colour_of(uint32_t pixel, uint32_t mask) {
  const uint32_t most = mask >> std::countr_zero(mask);
  return static_cast<uint8_t>(((pixel & mask) >> std::countr_zero(mask)) * 255u / most);
}

void unpack_palette(Bytes row, const BmpHeader& header, uint8_t* rgb) {
  for (size_t x = 0; x < static_cast<size_t>(header.width); ++x, rgb += 3) {
    const size_t bit = x * header.bits;
    const unsigned index = row[bit / 8] >> (8 - header.bits - bit % 8) & ((1u << header.bits) - 1);
    std::copy_n(header.palette[index].data(), 3, rgb);
  }
}

void unpack_colours(Bytes row, const BmpHeader& header, uint8_t* rgb) {
  const size_t size = header.bits / 8;
  for (size_t x = 0; x < static_cast<size_t>(header.width); ++x, rgb += 3) {
    uint32_t pixel = 0;
    for (size_t i = size; i > 0; --i) pixel = pixel << 8 | row[x * size + i - 1];
    for (size_t c = 0; c < 3; ++c) rgb[c] = colour_of(pixel, header.masks[c]);
  }
}

int64_t row_in_image(int64_t row, const BmpHeader& header) {
  return header.top_down ? row : header.height - 1 - row;
}

void read_plain(const ImageFile& file, const BmpHeader& header, Image& image) {
  const auto bits = static_cast<size_t>(header.width) * header.bits;
  const size_t row_bytes = (bits + 7) / 8, stride = (bits + 31) / 32 * 4;
  const auto rows = static_cast<size_t>(header.height);
  // The last row may lack its padding.
  if (header.pixels_at > file.bytes.size() ||
      file.bytes.size() - header.pixels_at < (rows - 1) * stride + row_bytes)
    fail_truncated(file, kFormat);
  for (size_t row = 0; row < rows; ++row) {
    const auto from = file.bytes.subspan(header.pixels_at + row * stride, row_bytes);
    uint8_t* to = row_of(image, row_in_image(static_cast<int64_t>(row), header));
    if (header.bits <= 8) {
      unpack_palette(from, header, to);
    } else {
      unpack_colours(from, header, to);
    }
  }
}

/// Decoder of run-length encoding: runs of one palette index or of two alternating ones, and literal spans.
class RunLengthReader {
 public:
  RunLengthReader(const ImageFile& file, const BmpHeader& header)
      : bytes_(file.bytes), at_(header.pixels_at), header_(header) {}

  /// Returns palette indices from the first row of the file on; fewer than the image has if the file ends
  /// early.
  std::vector<uint8_t> read() {
    const auto wanted = static_cast<size_t>(header_.width * header_.height);
    while (indices_.size() < wanted && at_ + 2 <= bytes_.size() && at_ < bytes_.size()) {
      const uint8_t count = bytes_[at_], value = bytes_[at_ + 1];
      at_ += 2;
      if (count != 0) {
        repeat(count, value);
      } else if (value == 0) {
        end_line();
      } else if (value == 1 || !(value == 2 ? move(wanted) : copy(value, wanted))) {
        break;
      }
    }
    return std::move(indices_);
  }

 private:
  bool four_bits() const { return header_.compression == BmpHeader::kRle4; }

  static uint8_t half(uint8_t value, size_t i) {
    return static_cast<uint8_t>(i % 2 == 0 ? value >> 4 : value & 0xf);
  }

  /// A run does not continue in the next row.
  void repeat(size_t count, uint8_t value) {
    const auto width = static_cast<size_t>(header_.width);
    count = std::min(count, width - std::min(x_, width));
    for (size_t i = 0; i < count; ++i) indices_.push_back(four_bits() ? half(value, i) : value);
    x_ += count;
  }

  void end_line() {
    const auto width = static_cast<size_t>(header_.width);
    indices_.resize((indices_.size() + width - 1) / width * width);
    x_ = 0;
  }

  bool move(size_t wanted) {
    if (at_ + 2 > bytes_.size()) return false;
    const auto width = static_cast<size_t>(header_.width);
    const size_t skipped = bytes_[at_] + bytes_[at_ + 1] * width;
    at_ += 2;
    indices_.resize(std::min(wanted, indices_.size() + skipped));
    x_ = indices_.size() % width;
    return true;
  }

  bool copy(size_t count, size_t wanted) {
    const size_t taken = std::min(count, wanted - indices_.size());
    const size_t size = four_bits() ? (taken + 1) / 2 : taken;
    if (at_ + size > bytes_.size()) return false;
    for (size_t i = 0; i < taken; ++i)
      indices_.push_back(four_bits() ? half(bytes_[at_ + i / 2], i) : bytes_[at_ + i]);
    at_ += size;
    at_ += at_ % 2;  // the next code starts at an even offset
    x_ += count;
    return true;
  }

  Bytes bytes_;
  size_t at_;
  const BmpHeader& header_;
  size_t x_ = 0;
  std::vector<uint8_t> indices_{};
};

void read_run_lengths(const ImageFile& file, const BmpHeader& header, Image& image) {
  const auto indices = RunLengthReader(file, header).read();
  if (indices.size() < static_cast<size_t>(header.width * header.height)) fail_truncated(file, kFormat);
  for (int64_t row = 0; row < header.height; ++row) {
    uint8_t* rgb = row_of(image, row_in_image(row, header));
    for (int64_t x = 0; x < header.width; ++x, rgb += 3)
      std::copy_n(header.palette[indices[static_cast<size_t>(row * header.width + x)]].data(), 3, rgb);
  }
}

}  // namespace

Image decode_bmp(const ImageFile& file) {
  auto header = read_bmp_header(file);
  auto image = blank_image(header.width, header.height, file.name);
  if (header.compression == BmpHeader::kNone && header.bits > 8) {
    header.masks = header.bits == 16 ? std::array<uint32_t, 4>{0x7c00, 0x3e0, 0x1f, 0}
                                     : std::array<uint32_t, 4>{0xff0000, 0xff00, 0xff, 0};
  }
  if (header.compression == BmpHeader::kRle8 || header.compression == BmpHeader::kRle4) {
    read_run_lengths(file, header, image);
  } else {
    read_plain(file, header, image);
  }
  return image;
}

}  // namespace ccexpert::image

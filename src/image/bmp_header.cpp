// Windows and OS/2 headers, with the fields that Pillow reads.
#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "image/bmp.h"
#include "image/header_numbers.h"

namespace ccexpert::image {
namespace {

constexpr size_t kHeaderAt = 14;     // after the file header
constexpr size_t kCoreHeader = 12;   // OS/2 1
constexpr size_t kInfoHeader = 40;   // Windows 3
constexpr size_t kMasksInside = 52;  // headers from this size on include the masks
constexpr size_t kAlphaInside = 56;

/// Reader of the header's numbers; throws Error for a missing one.
class Fields {
 public:
  explicit Fields(const ImageFile& file) : file_(file), numbers_(file.bytes, false) {}

  uint32_t at(size_t offset, size_t width) const {
    if (const auto number = numbers_.number(offset, width)) return *number;
    fail_expected({file_.name, "a whole image", "a file that ends within its header"});
  }

 private:
  const ImageFile& file_;
  HeaderNumbers numbers_;
};

[[noreturn]] void fail_kind(const ImageFile& file, const std::string& got) {
  fail_expected({file.name,
                 "a BMP of 1, 4, 8, 16, 24 or 32 bits a pixel, plain, run-length encoded or with bit fields",
                 got, "save it as PNG"});
}

void read_core(const Fields& fields, BmpHeader& header) {
  header.width = fields.at(18, 2);
  header.height = fields.at(20, 2);
  header.bits = fields.at(24, 2);
}

/// Sides are signed numbers; Pillow reads only some negative heights.
void expect_sides(const ImageFile& file, const BmpHeader& header) {
  constexpr int64_t kMost = INT32_MAX;
  if (header.width <= kMost && header.height <= kMost) return;
  fail_expected(
      {file.name, "at least 1 x 1 pixels",
       fmt::format("{} x {} pixels", static_cast<int32_t>(header.width), static_cast<int32_t>(header.height)),
       "the header of the BMP is damaged"});
}

void read_info(const Fields& fields, BmpHeader& header) {
  header.width = fields.at(18, 4);
  const uint32_t height = fields.at(22, 4);
  // With a negative height, rows run from top to bottom.
  header.top_down = height >> 24 == 0xff;
  header.height = header.top_down ? (int64_t{1} << 32) - height : height;
  header.bits = fields.at(28, 2);
  header.compression = fields.at(30, 4);
}

/// Combinations of bits per pixel and masks that programs write.
bool are_known(unsigned bits, const std::array<uint32_t, 4>& masks) {
  struct Known {
    unsigned bits;
    std::array<uint32_t, 4> masks;
  };
  static constexpr std::array kKnown{
      Known{32, {0xff0000, 0xff00, 0xff, 0}},
      Known{32, {0xff000000, 0xff0000, 0xff00, 0}},
      Known{32, {0xff000000, 0xff00, 0xff, 0}},
      Known{32, {0xff000000, 0xff0000, 0xff00, 0xff}},
      Known{32, {0xff, 0xff00, 0xff0000, 0xff000000}},
      Known{32, {0xff0000, 0xff00, 0xff, 0xff000000}},
      Known{32, {0xff000000, 0xff00, 0xff, 0xff0000}},
      Known{24, {0xff0000, 0xff00, 0xff, 0}},
      Known{16, {0xf800, 0x7e0, 0x1f, 0}},
      Known{16, {0x7c00, 0x3e0, 0x1f, 0}},
  };
  return std::any_of(kKnown.begin(), kKnown.end(), [&](const Known& known) {
    return known.bits == bits &&
           std::equal(masks.begin(), masks.begin() + (bits == 32 ? 4 : 3), known.masks.begin());
  });
}

/// Returns the number of bytes of masks after the header.
size_t read_masks(const Fields& fields, size_t size, BmpHeader& header, const ImageFile& file) {
  const size_t count = size >= kAlphaInside ? 4 : 3;
  for (size_t i = 0; i < count; ++i) header.masks[i] = fields.at(kHeaderAt + kInfoHeader + 4 * i, 4);
  const auto& masks = header.masks;
  if (header.bits == 32 && masks == std::array<uint32_t, 4>{}) {
    header.masks = {0xff0000, 0xff00, 0xff, 0};
  } else if (!are_known(header.bits, masks)) {
    fail_kind(file, fmt::format("one of {} bits with the masks {:x}, {:x}, {:x} and {:x}", header.bits,
                                masks[0], masks[1], masks[2], masks[3]));
  }
  return size >= kMasksInside ? 0 : 12;
}

void read_palette(const ImageFile& file, size_t at, size_t entry, BmpHeader& header) {
  for (auto& colour : header.palette) {
    if (file.bytes.size() < at + 3) return;
    colour = {file.bytes[at + 2], file.bytes[at + 1], file.bytes[at]};
    at += entry;
  }
}

void expect_kind(const BmpHeader& header, const ImageFile& file) {
  constexpr std::array kBits{1u, 4u, 8u, 16u, 24u, 32u};
  if (std::find(kBits.begin(), kBits.end(), header.bits) == kBits.end())
    fail_kind(file, fmt::format("one of {} bits a pixel", header.bits));
  if (header.compression > BmpHeader::kBitFields)
    fail_kind(file, fmt::format("compression {}", header.compression));
  const unsigned packed =
      header.compression == BmpHeader::kRle8 ? 8 : (header.compression == BmpHeader::kRle4 ? 4 : 0);
  if (packed != 0 && header.bits != packed)
    fail_kind(file, fmt::format("run-length encoding of {} bits in one of {} bits", packed, header.bits));
}

}  // namespace

BmpHeader read_bmp_header(const ImageFile& file) {
  const Fields fields(file);
  const size_t size = fields.at(kHeaderAt, 4);
  constexpr std::array<size_t, 7> kSizes{kCoreHeader, kInfoHeader, kMasksInside, kAlphaInside, 64, 108, 124};
  if (std::find(kSizes.begin(), kSizes.end(), size) == kSizes.end())
    fail_kind(file, fmt::format("a header of {} bytes", size));
  fields.at(kHeaderAt + size - 1, 1);
  BmpHeader header;
  if (size == kCoreHeader) {
    read_core(fields, header);
  } else {
    read_info(fields, header);
  }
  expect_sides(file, header);
  expect_kind(header, file);
  size_t end = kHeaderAt + size;
  if (header.compression == BmpHeader::kBitFields) end += read_masks(fields, size, header, file);
  header.pixels_at = fields.at(10, 4);
  if (header.bits <= 8) {
    const size_t declared = size == kCoreHeader ? 0 : fields.at(46, 4), entry = size == kCoreHeader ? 3 : 4;
    const size_t colours = declared == 0 ? size_t{1} << header.bits : declared;
    if (colours > 256) fail_kind(file, fmt::format("a palette of {} colours", colours));
    header.palette.resize(256);
    read_palette(file, end, entry, header);
    std::fill(header.palette.begin() + static_cast<ptrdiff_t>(colours), header.palette.end(),
              std::array<uint8_t, 3>{});
    // Some files state that pixels follow the header, where the palette is.
    if (header.pixels_at == kHeaderAt + size) header.pixels_at += entry * colours;
    end += entry * colours;
  }
  if (header.pixels_at == 0) header.pixels_at = end;
  return header;
}

}  // namespace ccexpert::image

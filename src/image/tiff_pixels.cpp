// Each rule equals Pillow's if Pillow reads the kind; docs/caption.md lists the others.
#include "image/tiff_pixels.h"

#include <algorithm>
#include <cstring>

#include <ccexpert/core/error.h>

#include "image/samples.h"

namespace ccexpert::image {
namespace {

using Table = std::array<std::array<uint8_t, 3>, 256>;

template <class Component>
Component load(const uint8_t* from) {
  Component sample;
  std::memcpy(&sample, from, sizeof sample);
  return sample;
}

/// Returns a sample of 8 bits, or the high byte of a 16-bit sample (in native byte order, as libtiff returns
/// it).
template <class Component>
uint8_t byte_at(const uint8_t* from) {
  if constexpr (sizeof(Component) == 1) {
    return *from;
  } else {
    return high_byte(load<uint16_t>(from));
  }
}

/// Returns sample `i` of a packed row; the first sample is in the highest bits.
uint32_t packed_sample(const uint8_t* row, size_t i, unsigned depth) {
  if (depth == 12) {
    const uint8_t* at = row + i * 3 / 2;
    return i % 2 == 0 ? static_cast<uint32_t>(at[0] << 4 | at[1] >> 4)
                      : static_cast<uint32_t>((at[0] & 0xf) << 8 | at[1]);
  }
  const size_t bit = i * depth;
  return row[bit / 8] >> (8 - depth - bit % 8) & ((1u << depth) - 1);
}

Table grey_table(unsigned depth, bool inverted) {
  Table table{};
  const unsigned white = (1u << depth) - 1;
  for (unsigned value = 0; value <= white; ++value) {
    const unsigned grey = value * 255 / white;
    table[value].fill(static_cast<uint8_t>(inverted ? 255 - grey : grey));
  }
  return table;
}

/// Returns the palette. Its colours have 16 bits; a few programs write 8, recognisable because no value
/// exceeds 255.
Table palette_table(const TiffFile& file) {
  std::array<uint16_t*, 3> channels{};
  if (TIFFGetField(file.handle(), TIFFTAG_COLORMAP, &channels[0], &channels[1], &channels[2]) != 1)
    fail_expected({file.name(), "a palette", "none", "the file is incomplete"});
  const size_t colours = size_t{1} << file.layout().depth;
  const bool bytes = std::all_of(channels.begin(), channels.end(), [colours](const uint16_t* channel) {
    return std::all_of(channel, channel + colours, [](uint16_t value) { return value < 256; });
  });
  Table table{};
  for (size_t i = 0; i < colours; ++i) {
    for (size_t c = 0; c < 3; ++c)
      table[i][c] = static_cast<uint8_t>(bytes ? channels[c][i] : channels[c][i] >> 8);
  }
  return table;
}

/// Converts one band of up to 8 bits by a table of colours.
TiffConversion by_table(const Table& table, unsigned depth) {
  if (depth == 8) {
    return {1, [table](const TiffRun& run, uint8_t* rgb) {
              for (size_t i = 0; i < run.pixels; ++i, rgb += 3)
                std::copy_n(table[run.band[0][i * run.step]].data(), 3, rgb);
            }};
  }
  return {1, [table, depth](const TiffRun& run, uint8_t* rgb) {
            for (size_t i = 0; i < run.pixels; ++i, rgb += 3)
              std::copy_n(table[packed_sample(run.band[0], i, depth)].data(), 3, rgb);
          }};
}

/// Converts one band of more than 8 bits: values are not scaled, only clipped at 255.
template <class Component>
TiffConversion by_clipping() {
  return {1, [](const TiffRun& run, uint8_t* rgb) {
            for (size_t i = 0; i < run.pixels; ++i, rgb += 3)
              put_grey(clipped(load<Component>(run.band[0] + i * run.step)), rgb);
          }};
}

TiffConversion by_clipping_12_bits() {
  return {1, [](const TiffRun& run, uint8_t* rgb) {
            for (size_t i = 0; i < run.pixels; ++i, rgb += 3)
              put_grey(clipped(packed_sample(run.band[0], i, 12)), rgb);
          }};
}

/// Converts two bands of 16 bits: the high byte of the first is the grey value.
TiffConversion by_first_band(bool inverted) {
  return {1, [inverted](const TiffRun& run, uint8_t* rgb) {
            for (size_t i = 0; i < run.pixels; ++i, rgb += 3) {
              const uint8_t grey = byte_at<uint16_t>(run.band[0] + i * run.step);
              put_grey(static_cast<uint8_t>(inverted ? 255 - grey : grey), rgb);
            }
          }};
}

/// Converts the first three bands as red, green and blue.
template <class Component>
TiffConversion by_three_bands(bool inverted) {
  const auto flip = static_cast<uint8_t>(inverted ? 255 : 0);
  return {3, [flip](const TiffRun& run, uint8_t* rgb) {
            for (size_t i = 0; i < run.pixels; ++i, rgb += 3) {
              for (size_t c = 0; c < 3; ++c)
                rgb[c] = static_cast<uint8_t>(byte_at<Component>(run.band[c] + i * run.step) ^ flip);
            }
          }};
}

/// Converts colours premultiplied by alpha back to their own values.
template <class Component>
TiffConversion by_three_bands_and_alpha() {
  return {4, [](const TiffRun& run, uint8_t* rgb) {
            for (size_t i = 0; i < run.pixels; ++i, rgb += 3) {
              const int alpha = byte_at<Component>(run.band[3] + i * run.step);
              for (size_t c = 0; c < 3; ++c) {
                const int colour = byte_at<Component>(run.band[c] + i * run.step);
                rgb[c] = alpha == 0 ? uint8_t{0} : static_cast<uint8_t>(std::min(colour * 255 / alpha, 255));
              }
            }
          }};
}

template <class Component>
TiffConversion by_inks() {
  return {4, [](const TiffRun& run, uint8_t* rgb) {
            for (size_t i = 0; i < run.pixels; ++i, rgb += 3) {
              std::array<uint8_t, 4> inks{};
              for (size_t c = 0; c < 4; ++c) inks[c] = byte_at<Component>(run.band[c] + i * run.step);
              put_cmyk(inks.data(), rgb);
            }
          }};
}

bool has_white_at_0(const TiffLayout& layout) {
  // Pillow treats a missing tag as this kind, for one band only.
  return layout.photometric == PHOTOMETRIC_MINISWHITE && (layout.has_photometric || layout.bands == 1);
}

/// Returns the conversion of one grey band, or of the first of two.
TiffConversion grey(const TiffFile& file) {
  const auto& layout = file.layout();
  const auto depth = layout.depth;
  const bool is_unsigned = layout.sample_format == SAMPLEFORMAT_UINT;
  const bool whole = is_unsigned || layout.sample_format == SAMPLEFORMAT_INT;
  if (is_unsigned && (depth == 1 || depth == 2 || depth == 4) && layout.bands == 1)
    return by_table(grey_table(depth, has_white_at_0(layout)), depth);
  // Pillow treats signed bytes as unsigned ones.
  if (whole && depth == 8) return by_table(grey_table(8, has_white_at_0(layout)), 8);
  if (is_unsigned && depth == 16 && layout.bands == 2) return by_first_band(has_white_at_0(layout));
  // For more than 8 bits, Pillow does not invert images with white at 0.
  if (is_unsigned && depth == 12 && layout.bands == 1) return by_clipping_12_bits();
  if (whole && depth == 16) return is_unsigned ? by_clipping<uint16_t>() : by_clipping<int16_t>();
  // Pillow has no unsigned 32-bit type: values above 2^31 are negative there.
  if (whole && depth == 32) return by_clipping<int32_t>();
  if (layout.sample_format == SAMPLEFORMAT_IEEEFP && depth == 32) return by_clipping<float>();
  file.fail_unsupported();
}

template <class Component>
TiffConversion several_bands(const TiffFile& file) {
  const auto& layout = file.layout();
  if (layout.photometric == PHOTOMETRIC_SEPARATED && layout.bands >= 4) return by_inks<Component>();
  if (layout.photometric == PHOTOMETRIC_SEPARATED || layout.bands < 3) file.fail_unsupported();
  if (layout.photometric == PHOTOMETRIC_RGB && layout.associated_alpha && layout.bands >= 4)
    return by_three_bands_and_alpha<Component>();
  return by_three_bands<Component>(has_white_at_0(layout));
}

TiffConversion palette(const TiffFile& file) {
  const auto& layout = file.layout();
  const bool fits = layout.depth == 8 ||
                    (layout.bands == 1 && (layout.depth == 1 || layout.depth == 2 || layout.depth == 4));
  if (!fits || layout.bands > 2 || layout.sample_format != SAMPLEFORMAT_UINT) file.fail_unsupported();
  return by_table(palette_table(file), layout.depth);
}

}  // namespace

TiffConversion tiff_conversion(const TiffFile& file) {
  const auto& layout = file.layout();
  if (layout.photometric == PHOTOMETRIC_PALETTE) return palette(file);
  const bool is_grey =
      layout.photometric == PHOTOMETRIC_MINISWHITE || layout.photometric == PHOTOMETRIC_MINISBLACK;
  if (is_grey && layout.bands <= 2) return grey(file);
  // libtiff has already converted JPEG's YCbCr to RGB.
  const bool colours = layout.photometric == PHOTOMETRIC_RGB || layout.photometric == PHOTOMETRIC_SEPARATED ||
                       layout.photometric == PHOTOMETRIC_YCBCR;
  const bool whole = layout.sample_format == SAMPLEFORMAT_UINT && (layout.depth == 8 || layout.depth == 16);
  if (!(is_grey || colours) || !whole) file.fail_unsupported();
  return layout.depth == 8 ? several_bands<uint8_t>(file) : several_bands<uint16_t>(file);
}

}  // namespace ccexpert::image

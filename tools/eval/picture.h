// Drawing of texts and images to PNG, SVG or PDF.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ccexpert/image/image.h>

namespace ccexpert::tools {

/// Text with one style. Colours are 0xRRGGBB.
struct TextRun {
  std::string text;  ///< UTF-8 without control characters
  uint32_t colour = 0x1d2733;
  uint32_t background = 0xffffff;
  double size = 12.0;
  bool bold = false;
};

/// Rectangle in points, from the upper left corner.
struct Box {
  double x, y, width, height;
};

enum class PictureFormat {
  kNone,  ///< no output, only for measuring
  kPng,   ///< two pixels per point
  kSvg,
  kPdf,
};

class Picture {
 public:
  /// Throws Error for a PNG with a side of more than 32767 pixels.
  Picture(PictureFormat format, double width, double height);
  ~Picture();

  /// Draws text wrapped to a width; returns its height. Throws Error for a character that no installed font
  /// has.
  double text(const std::vector<TextRun>& runs, double x, double y, double width);
  void fill(const Box& box, uint32_t colour);
  /// Draws an image within a box, as large as possible.
  void image(const image::ImageView& pixels, const Box& box);

  /// Returns the bytes of the file; nothing can be drawn afterwards.
  std::string finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::tools

// A picture of texts and images, as PNG, SVG or PDF.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ccexpert/image/image.h>

namespace ccexpert::tools {

/// Colours are 0xRRGGBB.
struct TextRun {
  std::string text;  ///< UTF-8 without control characters
  uint32_t colour = 0x1d2733;
  uint32_t background = 0xffffff;
  double size = 12.0;
  bool bold = false;
};

/// In points, from the upper left corner.
struct Box {
  double x, y, width, height;
};

enum class PictureFormat {
  kNone,  ///< keeps nothing: for measuring
  kPng,   ///< two pixels a point
  kSvg,
  kPdf,
};

class Picture {
 public:
  /// Throws Error for a PNG of more than 32767 pixels a side.
  Picture(PictureFormat format, double width, double height);
  ~Picture();

  /// Draws text in lines of a width; returns their height. Throws Error for a character that no installed
  /// font has.
  double text(const std::vector<TextRun>& runs, double x, double y, double width);
  void fill(const Box& box, uint32_t colour);
  /// An image within a box, as large as it fits.
  void image(const ImageView& pixels, const Box& box);

  /// The bytes of the file; nothing can be drawn afterwards.
  std::string finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::tools

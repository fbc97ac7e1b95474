// TIFF in memory: the open handle of libtiff, and the pixel layout in its first directory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <tiffio.h>

#include "image/codec.h"

namespace ccexpert::image {

/// Pixel layout of the first directory, with the format's defaults.
struct TiffLayout {
  uint32_t width = 0;
  uint32_t height = 0;
  uint16_t bands = 1;
  uint16_t depth = 1;  ///< bits per sample
  uint16_t sample_format = SAMPLEFORMAT_UINT;
  uint16_t photometric = PHOTOMETRIC_MINISWHITE;
  bool has_photometric = false;
  uint16_t compression = COMPRESSION_NONE;
  bool planes_apart = false;
  uint16_t orientation = ORIENTATION_TOPLEFT;
  bool associated_alpha = false;  ///< the colours are premultiplied by the first extra band
};

/// Returns "5 bands of 16-bit unsigned integers, RGB, planes apart".
std::string describe(const TiffLayout& layout);

class TiffFile {
 public:
  /// Throws Error if the first directory cannot be read. The bytes must outlive the object.
  explicit TiffFile(const ImageFile& file);
  ~TiffFile();
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  TIFF* handle() const { return handle_; }
  const TiffLayout& layout() const { return layout_; }
  std::string_view name() const { return source_.file.name; }
  const ImageFile& source() const { return source_.file; }

  /// Returns the first error that libtiff reported for this file since opening; empty if none.
  const std::string& error() const { return source_.error; }

  /// Throws Error for pixels that libtiff could not decode, with libtiff's text.
  [[noreturn]] void fail_decoding() const;

  /// Throws Error for a whole file of an unsupported kind: names bands, depth and sample format.
  [[noreturn]] void fail_unsupported() const;

  /// State for libtiff's callbacks.
  struct Source {
    ImageFile file;
    uint64_t position = 0;
    std::string error;
    std::string lost_tag;  ///< a warning of libtiff that a tag was lost
  };

 private:
  Source source_;
  TIFF* handle_ = nullptr;
  TiffLayout layout_;
};

}  // namespace ccexpert::image

#include "image/tiff_file.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::image {
namespace {

/// Limit of one allocation by libtiff: the directory of a supported file needs less.
constexpr tmsize_t kMaxAllocation = tmsize_t{1} << 30;

TiffFile::Source& source_of(thandle_t handle) {
  return *static_cast<TiffFile::Source*>(handle);
}

tmsize_t read(thandle_t handle, void* to, tmsize_t count) {
  auto& source = source_of(handle);
  const uint64_t size = source.file.bytes.size(), begin = std::min(source.position, size);
  const uint64_t got = std::min(static_cast<uint64_t>(std::max<tmsize_t>(count, 0)), size - begin);
  std::memcpy(to, source.file.bytes.data() + begin, got);
  source.position = begin + got;
  return static_cast<tmsize_t>(got);
}

tmsize_t write(thandle_t, void*, tmsize_t) {
  return 0;
}

toff_t seek(thandle_t handle, toff_t offset, int whence) {
  auto& source = source_of(handle);
  const uint64_t base =
      whence == SEEK_CUR ? source.position : (whence == SEEK_END ? source.file.bytes.size() : 0);
  source.position = base + offset;
  return source.position;
}

int close(thandle_t) {
  return 0;
}

toff_t size(thandle_t handle) {
  return source_of(handle).file.bytes.size();
}

int map(thandle_t handle, void** base, toff_t* count) {
  const auto bytes = source_of(handle).file.bytes;
  *base = const_cast<uint8_t*>(bytes.data());  // a file open for reading is not written
  *count = bytes.size();
  return 1;
}

void unmap(thandle_t, void*, toff_t) {}

/// Stores the first error of one handle; returns 1 to bypass the library's own handler.
int keep_error(TIFF*, void* source, const char*, const char* format, va_list arguments) {
  auto& error = static_cast<TiffFile::Source*>(source)->error;
  if (!error.empty()) return 1;
  char text[256] = "";
  std::vsnprintf(text, sizeof text, format, arguments);
  error = text;
  return 1;
}

/// Stores the first warning of a lost tag without which pixels would be wrong: libtiff continues without it.
/// Other warnings are dropped.
int keep_lost_tag(TIFF*, void* source, const char*, const char* format, va_list arguments) {
  auto& lost_tag = static_cast<TiffFile::Source*>(source)->lost_tag;
  char text[256] = "";
  std::vsnprintf(text, sizeof text, format, arguments);
  const std::string_view warning = text;
  const bool lost =
      warning.starts_with("IO error during reading") || warning.find("ColorMap") != warning.npos;
  if (lost && lost_tag.empty()) lost_tag = warning;
  return 1;
}

TIFF* open(TiffFile::Source& source) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 &TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), keep_lost_tag, &source);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMaxAllocation);
  return TIFFClientOpenExt("TIFF", "r", &source, read, write, seek, close, size, map, unmap, options.get());
}

TiffLayout read_layout(TIFF* file) {
  TiffLayout layout;
  uint16_t planar = PLANARCONFIG_CONTIG, extras = 0;
  uint16_t* extra_kinds = nullptr;
  TIFFGetField(file, TIFFTAG_IMAGEWIDTH, &layout.width);
  TIFFGetField(file, TIFFTAG_IMAGELENGTH, &layout.height);
  TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLESPERPIXEL, &layout.bands);
  TIFFGetFieldDefaulted(file, TIFFTAG_BITSPERSAMPLE, &layout.depth);
  TIFFGetFieldDefaulted(file, TIFFTAG_SAMPLEFORMAT, &layout.sample_format);
  TIFFGetFieldDefaulted(file, TIFFTAG_COMPRESSION, &layout.compression);
  TIFFGetFieldDefaulted(file, TIFFTAG_PLANARCONFIG, &planar);
  TIFFGetFieldDefaulted(file, TIFFTAG_ORIENTATION, &layout.orientation);
  layout.has_photometric = TIFFGetField(file, TIFFTAG_PHOTOMETRIC, &layout.photometric) == 1;
  layout.planes_apart = planar == PLANARCONFIG_SEPARATE && layout.bands > 1;
  if (TIFFGetField(file, TIFFTAG_EXTRASAMPLES, &extras, &extra_kinds) == 1 && extras > 0)
    layout.associated_alpha = extra_kinds[0] == EXTRASAMPLE_ASSOCALPHA;
  return layout;
}

std::string sample_name(const TiffLayout& layout) {
  switch (layout.sample_format) {
    case SAMPLEFORMAT_UINT:
      return fmt::format("{}-bit unsigned integers", layout.depth);
    case SAMPLEFORMAT_INT:
      return fmt::format("{}-bit signed integers", layout.depth);
    case SAMPLEFORMAT_IEEEFP:
      return fmt::format("{}-bit floating-point numbers", layout.depth);
    case SAMPLEFORMAT_COMPLEXINT:
    case SAMPLEFORMAT_COMPLEXIEEEFP:
      return fmt::format("{}-bit complex numbers", layout.depth);
    default:
      return fmt::format("{}-bit samples of an unnamed format", layout.depth);
  }
}

std::string photometric_name(const TiffLayout& layout) {
  if (!layout.has_photometric) return "no colours named";
  switch (layout.photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
      return "grey";
    case PHOTOMETRIC_RGB:
      return "RGB";
    case PHOTOMETRIC_PALETTE:
      return "a palette";
    case PHOTOMETRIC_SEPARATED:
      return "CMYK";
    case PHOTOMETRIC_YCBCR:
      return "YCbCr";
    case PHOTOMETRIC_CIELAB:
    case PHOTOMETRIC_ICCLAB:
    case PHOTOMETRIC_ITULAB:
      return "CIELab";
    case PHOTOMETRIC_LOGL:
    case PHOTOMETRIC_LOGLUV:
      return "LogLuv";
    default:
      return fmt::format("colours of kind {}", layout.photometric);
  }
}

}  // namespace

std::string describe(const TiffLayout& layout) {
  return fmt::format("{} band{} of {}, {}{}", layout.bands, layout.bands == 1 ? "" : "s", sample_name(layout),
                     photometric_name(layout), layout.planes_apart ? ", planes apart" : "");
}

TiffFile::TiffFile(const ImageFile& file) : source_{file, 0, {}, {}} {
  handle_ = open(source_);
  if (handle_ == nullptr)
    fail_expected({file.name, "a TIFF whose first directory can be read",
                   "another kind of file, or a truncated one", source_.error});
  if (!source_.lost_tag.empty()) {
    TIFFClose(handle_);
    fail_expected(
        {file.name, "a TIFF with all values of its tags", "a truncated or damaged file", source_.lost_tag});
  }
  layout_ = read_layout(handle_);
  source_.error.clear();
}

TiffFile::~TiffFile() {
  TIFFClose(handle_);
}

void TiffFile::fail_decoding() const {
  fail_damaged(source_.file, "TIFF", error());
}

void TiffFile::fail_unsupported() const {
  fail_expected({name(), "a TIFF of 8- or 16-bit colours, or of one band of up to 32 bits", describe(layout_),
                 "convert it to 8 bits first, as gdal_translate -ot Byte -scale does"});
}

}  // namespace ccexpert::image

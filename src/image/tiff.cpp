// TIFF and BigTIFF decoder: libtiff decompresses strips and tiles, this file interprets the samples.
#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "image/codec.h"
#include "image/orientation.h"
#include "image/samples.h"
#include "image/tiff_file.h"
#include "image/tiff_pixels.h"

namespace ccexpert::image {
namespace {

/// Limit of bytes in one strip or tile: they are decompressed one at a time.
constexpr uint64_t kMaxPieceBytes = uint64_t{1} << 30;

/// Strips or tiles of a file.
struct Pieces {
  bool tiled = false;
  uint32_t width = 0;      ///< pixels of a whole piece
  uint32_t height = 0;     ///< rows of a whole piece
  uint64_t bytes = 0;      ///< of a whole piece
  uint64_t row_bytes = 0;  ///< from one row to the next
};

Pieces pieces_of(const TiffFile& file) {
  TIFF* tiff = file.handle();
  const auto& layout = file.layout();
  Pieces pieces{.tiled = TIFFIsTiled(tiff) != 0, .width = layout.width};
  if (pieces.tiled) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &pieces.width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &pieces.height);
    pieces.bytes = TIFFTileSize64(tiff);
    pieces.row_bytes = TIFFTileRowSize64(tiff);
  } else {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &pieces.height);
    pieces.height = std::min(pieces.height, layout.height);
    pieces.bytes = TIFFStripSize64(tiff);
    pieces.row_bytes = TIFFScanlineSize64(tiff);
  }
  return pieces;
}

uint64_t rounded_up(uint64_t value, uint64_t step) {
  return (value + step - 1) / step * step;
}

/// Throws Error, before memory is allocated, for pieces that are too large or much larger than the image.
void expect_sane(const Pieces& pieces, const TiffFile& file) {
  const auto& layout = file.layout();
  if (pieces.width == 0 || pieces.height == 0 || pieces.bytes == 0 || pieces.row_bytes == 0)
    file.fail_decoding();
  const auto shape = fmt::format("{} x {} pixels in {} bytes", pieces.width, pieces.height, pieces.bytes);
  if (pieces.bytes > kMaxPieceBytes) {
    fail_expected({file.name(), fmt::format("strips or tiles of at most {} bytes", kMaxPieceBytes), shape,
                   "write it in smaller tiles"});
  }
  const uint64_t pixels = rounded_up(layout.width, pieces.width) * rounded_up(layout.height, pieces.height);
  if (pixels > 2 * static_cast<uint64_t>(kMaxImagePixels)) {
    fail_expected({file.name(), "tiles of about the image's size or smaller",
                   fmt::format("tiles of {} for {} x {} pixels", shape, layout.width, layout.height)});
  }
}

/// Reads the pieces of a file and converts them to rows of an image.
class PieceReader {
 public:
  PieceReader(const TiffFile& file, TiffConversion conversion)
      : file_(file), conversion_(std::move(conversion)), pieces_(pieces_of(file)) {
    const auto& layout = file.layout();
    expect_sane(pieces_, file);
    const uint64_t samples = layout.planes_apart ? 1 : layout.bands;
    if (pieces_.row_bytes < (pieces_.width * samples * layout.depth + 7) / 8) file.fail_unsupported();
    planes_.resize(layout.planes_apart ? static_cast<size_t>(conversion_.bands) : 1);
    for (auto& plane : planes_) plane.resize(pieces_.bytes);
  }

  void read_into(Image& image) {
    for (int64_t y = 0; y < image.height; y += pieces_.height) {
      for (int64_t x = 0; x < image.width; x += pieces_.width) {
        const auto rows = std::min<int64_t>(pieces_.height, image.height - y);
        for (size_t plane = 0; plane < planes_.size(); ++plane) read_piece(x, y, plane, rows);
        for (int64_t row = 0; row < rows; ++row) {
          const auto run = run_of(row, std::min<int64_t>(pieces_.width, image.width - x));
          conversion_.convert(run, row_of(image, y + row) + 3 * x);
        }
      }
    }
  }

 private:
  void read_piece(int64_t x, int64_t y, size_t plane, int64_t rows) {
    TIFF* tiff = file_.handle();
    auto& buffer = planes_[plane];
    const auto column = static_cast<uint32_t>(x), row = static_cast<uint32_t>(y);
    const auto sample = static_cast<uint16_t>(plane);
    const uint32_t piece =
        pieces_.tiled ? TIFFComputeTile(tiff, column, row, 0, sample) : TIFFComputeStrip(tiff, row, sample);
    expect_present(piece);
    // The data of a damaged piece may end early without an error from its codec.
    std::fill(buffer.begin(), buffer.end(), uint8_t{0});
    const auto size = static_cast<tmsize_t>(buffer.size());
    const tmsize_t got = pieces_.tiled ? TIFFReadEncodedTile(tiff, piece, buffer.data(), size)
                                       : TIFFReadEncodedStrip(tiff, piece, buffer.data(), size);
    const auto needed = static_cast<tmsize_t>(pieces_.row_bytes) * rows;
    if (got < needed || !file_.error().empty()) file_.fail_decoding();
  }

  /// GDAL omits tiles without data; a damaged file may look the same.
  void expect_present(uint32_t piece) const {
    if (TIFFGetStrileByteCount(file_.handle(), piece) != 0) return;
    fail_expected({file_.name(), "a TIFF with all of its pixels",
                   fmt::format("one without strip or tile {}", piece),
                   "write it whole, as gdal_translate -co SPARSE_OK=FALSE does"});
  }

  TiffRun run_of(int64_t row, int64_t pixels) const {
    const auto& layout = file_.layout();
    TiffRun run{.step = size_t{layout.depth / 8u} * (layout.planes_apart ? 1u : layout.bands),
                .pixels = static_cast<size_t>(pixels)};
    for (size_t band = 0; band < static_cast<size_t>(conversion_.bands); ++band) {
      const auto& plane = planes_[layout.planes_apart ? band : 0];
      run.band[band] = plane.data() + static_cast<size_t>(row) * pieces_.row_bytes +
                       (layout.planes_apart ? 0 : band * (layout.depth / 8u));
    }
    return run;
  }

  const TiffFile& file_;
  TiffConversion conversion_;
  Pieces pieces_;
  std::vector<std::vector<uint8_t>> planes_;
};

/// Decoder of YCbCr with subsampled chroma, by libtiff's own conversion, as in Pillow.
class YcbcrReader {
 public:
  explicit YcbcrReader(const TiffFile& file) : file_(file), rows_at_once_(pieces_of(file).height) {
    expect_sane(pieces_of(file), file);
    char reason[1024] = "";
    if (TIFFRGBAImageOK(file.handle(), reason) == 0) file.fail_unsupported();
    if (TIFFRGBAImageBegin(&decoder_, file.handle(), 1, reason) == 0)
      fail_damaged(file.source(), "TIFF", reason);
    decoder_.orientation = decoder_.req_orientation = ORIENTATION_TOPLEFT;
  }
  ~YcbcrReader() { TIFFRGBAImageEnd(&decoder_); }
  YcbcrReader(const YcbcrReader&) = delete;
  YcbcrReader& operator=(const YcbcrReader&) = delete;

  void read_into(Image& image) {
    std::vector<uint32_t> block(static_cast<size_t>(image.width) *
                                std::min<size_t>(rows_at_once_, static_cast<size_t>(image.height)));
    for (int64_t y = 0; y < image.height; y += rows_at_once_) {
      const auto rows = std::min<int64_t>(rows_at_once_, image.height - y);
      decoder_.row_offset = static_cast<int>(y);
      const int got = TIFFRGBAImageGet(&decoder_, block.data(), static_cast<uint32_t>(image.width),
                                       static_cast<uint32_t>(rows));
      if (got == 0 || !file_.error().empty()) file_.fail_decoding();
      uint8_t* rgb = row_of(image, y);
      for (size_t i = 0; i < static_cast<size_t>(rows * image.width); ++i, rgb += 3) {
        rgb[0] = static_cast<uint8_t>(TIFFGetR(block[i]));
        rgb[1] = static_cast<uint8_t>(TIFFGetG(block[i]));
        rgb[2] = static_cast<uint8_t>(TIFFGetB(block[i]));
      }
    }
  }

 private:
  const TiffFile& file_;
  uint32_t rows_at_once_;
  TIFFRGBAImage decoder_{};
};

void expect_codec(const TiffFile& file) {
  const auto compression = file.layout().compression;
  if (TIFFIsCODECConfigured(compression) == 1) return;
  fail_expected({file.name(), "a TIFF compression that libtiff unpacks",
                 fmt::format("compression {}", compression), "write it with Deflate or LZW"});
}

/// True if libtiff must convert the colours; its JPEG codec does so if the planes are not separate.
bool needs_conversion(const TiffFile& file) {
  const auto& layout = file.layout();
  const bool old_jpeg = layout.compression == COMPRESSION_OJPEG;
  if (layout.photometric != PHOTOMETRIC_YCBCR && !old_jpeg) return false;
  return layout.compression != COMPRESSION_JPEG || layout.planes_apart;
}

void decode_pieces(const TiffFile& file, Image& image) {
  const auto& layout = file.layout();
  if (layout.photometric == PHOTOMETRIC_YCBCR)
    TIFFSetField(file.handle(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  PieceReader(file, tiff_conversion(file)).read_into(image);
  if (layout.depth > 8) hint_at_stretch(image, file.name());
}

}  // namespace

Image decode_tiff(const ImageFile& source) {
  const TiffFile file(source);
  expect_codec(file);
  auto image = blank_image(file.layout().width, file.layout().height, source.name);
  if (needs_conversion(file)) {
    YcbcrReader(file).read_into(image);
  } else {
    decode_pieces(file, image);
  }
  return oriented(std::move(image), file.layout().orientation);
}

}  // namespace ccexpert::image

// JPEG decoder with libjpeg-turbo's default DCT and upsampling, which Pillow also uses.
#include <cstdio>
// After <cstdio>: jpeglib.h uses FILE.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <jpeglib.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/printable.h"
#include "image/codec.h"
#include "image/jumping_calls.h"
#include "image/samples.h"

namespace ccexpert::image {
namespace {

constexpr std::string_view kFormat = "JPEG";

/// Returns the limit of scans of a progressive image: libjpeg-turbo's own limit, and fewer for an image so
/// large that each scan takes seconds. Encoders write about ten.
int max_scans(int64_t pixels) {
  constexpr int64_t kMaxScans = 500, kMaxPixelsOfAllScans = int64_t{1} << 33;
  return static_cast<int>(
      std::clamp<int64_t>(kMaxPixelsOfAllScans / std::max<int64_t>(pixels, 1), 32, kMaxScans));
}

class JpegReader {
 public:
  explicit JpegReader(const ImageFile& file) : file_(file) {
    decoder_.err = jpeg_std_error(&errors_);
    errors_.error_exit = give_up;
    errors_.emit_message = note;
    errors_.output_message = [](j_common_ptr) {};
    decoder_.client_data = this;
    attempt([this] { jpeg_create_decompress(&decoder_); });
    use_memory();
    progress_.progress_monitor = watch;
    decoder_.progress = &progress_;
  }
  ~JpegReader() { jpeg_destroy_decompress(&decoder_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  DecodedImage decode() {
    bool done = false;
    attempt([this, &done] { done = jpeg_read_header(&decoder_, TRUE) == JPEG_HEADER_OK; });
    if (!done) fail_truncated(file_, kFormat);
    auto image = blank_image(decoder_.image_width, decoder_.image_height, file_.name);
    max_scans_ = max_scans(image.width * image.height);
    choose_output();
    read_rows(image);
    return {std::move(image), warning()};
  }

 private:
  static JpegReader& self(j_common_ptr decoder) { return *static_cast<JpegReader*>(decoder->client_data); }

  static std::array<char, JMSG_LENGTH_MAX> text_of(j_common_ptr decoder) {
    std::array<char, JMSG_LENGTH_MAX> text{};
    decoder->err->format_message(decoder, text.data());
    return text;
  }

  static void give_up(j_common_ptr decoder) { self(decoder).calls_.give_up(text_of(decoder).data()); }

  std::string warning() const {
    if (warning_.empty()) return {};
    const std::string text =
        fmt::format("{}: a JPEG with damaged data, decoded as far as it goes ({})", file_.name, warning_);
    const std::string_view whole = text;
    return joined_printable({&whole, 1}, kLongestError);
  }

  /// Keeps the first warning; libjpeg counts them all.
  static void note(j_common_ptr decoder, int level) {
    if (level < 0 && decoder->err->num_warnings++ == 0) self(decoder).warning_ = text_of(decoder).data();
  }

  /// Stops decoding of a file with many scans, each over the whole image.
  static void watch(j_common_ptr decoder) {
    auto& reader = self(decoder);
    if (reader.decoder_.input_scan_number <= reader.max_scans_) return;
    reader.too_many_scans_ = true;
    reader.calls_.give_up("");
  }

  /// Reads from the file's bytes, and suspends at their end: missing data is not invented.
  void use_memory() {
    source_.init_source = source_.term_source = [](j_decompress_ptr) {};
    source_.fill_input_buffer = [](j_decompress_ptr) -> boolean { return FALSE; };
    source_.resync_to_restart = jpeg_resync_to_restart;
    source_.skip_input_data = [](j_decompress_ptr decoder, long count) {
      if (count <= 0) return;
      auto& source = *decoder->src;
      const size_t skipped = std::min(static_cast<size_t>(count), source.bytes_in_buffer);
      source.next_input_byte += skipped;
      source.bytes_in_buffer -= skipped;
    };
    source_.next_input_byte = file_.bytes.data();
    source_.bytes_in_buffer = file_.bytes.size();
    decoder_.src = &source_;
  }

  template <class Step>
  void attempt(const Step& step) {
    if (calls_.run(step)) return;
    if (too_many_scans_) {
      fail_expected({file_.name, fmt::format("a JPEG of at most {} scans", max_scans_), "one with more",
                     "an encoder writes about ten; save it again"});
    }
    fail_damaged(file_, kFormat, calls_.text());
  }

  void choose_output() {
    const int bands = decoder_.num_components;
    if (bands != 1 && bands != 3 && bands != 4)
      fail_expected(
          {file_.name, "a JPEG of 1, 3 or 4 bands", fmt::format("one of {}", bands), "convert it to RGB"});
    decoder_.out_color_space = bands == 4 ? JCS_CMYK : JCS_RGB;
  }

  void read_rows(Image& image) {
    const bool cmyk = decoder_.out_color_space == JCS_CMYK;
    std::vector<uint8_t> inks(cmyk ? static_cast<size_t>(4 * image.width) : 0);
    int64_t rows = 0;
    attempt([&, this] {
      if (!jpeg_start_decompress(&decoder_)) return;
      for (; rows < image.height; ++rows) {
        uint8_t* row = cmyk ? inks.data() : row_of(image, rows);
        if (jpeg_read_scanlines(&decoder_, &row, 1) != 1) return;
        if (cmyk) put_inverted_inks(inks, row_of(image, rows));
      }
      // Without the end marker this returns false, although the pixels are complete.
      jpeg_finish_decompress(&decoder_);
    });
    if (rows < image.height) fail_truncated(file_, kFormat);
  }

  /// Programs write CMYK in JPEG as Adobe does: 255 means no ink.
  static void put_inverted_inks(std::vector<uint8_t>& inks, uint8_t* row) {
    for (size_t i = 0; i < inks.size(); i += 4, row += 3) {
      for (size_t band = i; band < i + 4; ++band) inks[band] = static_cast<uint8_t>(255 - inks[band]);
      put_cmyk(inks.data() + i, row);
    }
  }

  ImageFile file_;
  JumpingCalls calls_;
  std::string warning_;
  int max_scans_ = 500;
  bool too_many_scans_ = false;
  jpeg_decompress_struct decoder_{};
  jpeg_error_mgr errors_{};
  jpeg_source_mgr source_{};
  jpeg_progress_mgr progress_{};
};

}  // namespace

DecodedImage decode_jpeg(const ImageFile& file) {
  return JpegReader(file).decode();
}

}  // namespace ccexpert::image

// PNG decoder with libpng: none of its texts reach standard error, and every checksum is verified.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include <png.h>

#include <ccexpert/core/error.h>

#include "image/codec.h"
#include "image/jumping_calls.h"
#include "image/samples.h"

namespace ccexpert::image {
namespace {

constexpr std::string_view kFormat = "PNG";

class PngReader {
 public:
  explicit PngReader(const ImageFile& file) : file_(file), rest_(file.bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &calls_, give_up, ignore);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) fail(file_.name, "libpng is out of memory");
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  Image decode() {
    attempt([this] { read_header(); });
    auto image = blank_image(png_get_image_width(png_, info_), png_get_image_height(png_, info_), file_.name);
    const bool wide_grey = is_wide_grey(), wide = png_get_bit_depth(png_, info_) == 16;
    attempt([this, wide_grey] { choose_output(wide_grey); });
    if (wide_grey) {
      read_wide_grey(image);
    } else {
      read_rows(image.pixels.data(), static_cast<size_t>(3 * image.width), image.height);
    }
    if (wide) hint_at_stretch(image, file_.name);
    return image;
  }

 private:
  static void give_up(png_structp png, png_const_charp text) {
    static_cast<JumpingCalls*>(png_get_error_ptr(png))->give_up(text);
  }
  static void ignore(png_structp, png_const_charp) {}

  static void read(png_structp png, png_bytep to, size_t count) {
    auto& self = *static_cast<PngReader*>(png_get_io_ptr(png));
    if (count > self.rest_.size()) {
      self.truncated_ = true;
      png_error(png, "the file ends");
    }
    std::memcpy(to, self.rest_.data(), count);
    self.rest_ = self.rest_.subspan(count);
  }

  template <class Step>
  void attempt(const Step& step) {
    if (calls_.run(step)) return;
    if (truncated_) fail_truncated(file_, kFormat);
    fail_damaged(file_, kFormat, calls_.text());
  }

  void read_header() {
    png_set_read_fn(png_, this, read);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    // Chunks without pixels are not decompressed, so they use no memory and cannot be bombs.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png_, info_);
  }

  bool is_wide_grey() const {
    return png_get_bit_depth(png_, info_) == 16 && png_get_color_type(png_, info_) == PNG_COLOR_TYPE_GRAY;
  }

  void choose_output(bool wide_grey) {
    if (!wide_grey) {
      png_set_strip_16(png_);
      if (png_get_color_type(png_, info_) == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png_);
      png_set_expand_gray_1_2_4_to_8(png_);
      png_set_strip_alpha(png_);
      png_set_gray_to_rgb(png_);
    }
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
  }

  void read_rows(uint8_t* to, size_t stride, int64_t height) {
    if (png_get_rowbytes(png_, info_) != stride) fail_damaged(file_, kFormat, "rows of another length");
    std::vector<png_bytep> rows(static_cast<size_t>(height));
    for (auto& row : rows) row = to + stride * static_cast<size_t>(&row - rows.data());
    attempt([this, &rows] {
      png_read_image(png_, rows.data());
      png_read_end(png_, nullptr);
    });
  }

  void read_wide_grey(Image& image) {
    std::vector<uint8_t> samples(static_cast<size_t>(2 * image.width * image.height));
    read_rows(samples.data(), static_cast<size_t>(2 * image.width), image.height);
    for (size_t i = 0; 2 * i < samples.size(); ++i) {
      const auto sample = static_cast<uint16_t>(samples[2 * i] << 8 | samples[2 * i + 1]);
      put_grey(clipped(sample), image.pixels.data() + 3 * i);
    }
  }

  ImageFile file_;
  std::span<const uint8_t> rest_;
  bool truncated_ = false;
  JumpingCalls calls_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Image decode_png(const ImageFile& file) {
  return PngReader(file).decode();
}

}  // namespace ccexpert::image

// PNG by libpng, and WebP by libwebp. OpenCV's encoders would load 130 libraries, GDAL's among them.
#include "image/shared/encode.h"

#include <cerrno>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include <png.h>
#include <webp/encode.h>
#include <zlib.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/foreign_errors.h"
#include "image/jumping_calls.h"
#include "image/shared/resize.h"

namespace ccexpert::image {
namespace {

class PngWriter {
 public:
  explicit PngWriter(const ImageView& image) : image_(image) {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &calls_, give_up, ignore);
    info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
    if (info_ == nullptr) throw std::bad_alloc();
  }
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  std::string encode() {
    if (calls_.run([this] { write_image(); })) return std::move(bytes_);
    if (out_of_memory_) throw std::bad_alloc();
    fail("PNG", std::string("cannot be encoded (") + calls_.text() + ")");
  }

 private:
  static void give_up(png_structp png, png_const_charp text) {
    static_cast<JumpingCalls*>(png_get_error_ptr(png))->give_up(text);
  }
  static void ignore(png_structp, png_const_charp) {}
  static void flush(png_structp) {}

  static void write(png_structp png, png_bytep from, size_t count) {
    auto& self = *static_cast<PngWriter*>(png_get_io_ptr(png));
    try {
      self.bytes_.append(reinterpret_cast<const char*>(from), count);
    } catch (const std::bad_alloc&) {
      self.out_of_memory_ = true;
    }
    if (self.out_of_memory_) png_error(png, "out of memory");
  }

  void write_image() {
    png_set_write_fn(png_, this, write, flush);
    // Fast rather than small.
    png_set_filter(png_, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    png_set_compression_level(png_, Z_BEST_SPEED);
    png_set_compression_strategy(png_, Z_RLE);
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(image_.width), static_cast<png_uint_32>(image_.height),
                 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    for (int64_t y = 0; y < image_.height; ++y) png_write_row(png_, image_.data + y * image_.stride);
    png_write_end(png_, info_);
  }

  ImageView image_;
  std::string bytes_;
  bool out_of_memory_ = false;
  JumpingCalls calls_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

std::string encode_png(const ImageView& image) try {
  expect_valid(image, "encode_png");
  return PngWriter(image).encode();
} catch (...) {
  rethrow_as_error();
}

void write_png(const std::filesystem::path& path, const ImageView& image) try {
  const auto bytes = encode_png(image);
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) fail_system(path.string(), "cannot be written", errno);
} catch (...) {
  rethrow_as_error();
}

std::string encode_webp(const ImageView& image, float quality) try {
  expect_valid(image, "encode_webp");
  uint8_t* written = nullptr;
  const size_t count =
      WebPEncodeRGB(image.data, static_cast<int>(image.width), static_cast<int>(image.height),
                    static_cast<int>(image.stride), quality, &written);
  const std::unique_ptr<uint8_t, decltype(&WebPFree)> owner(written, WebPFree);
  if (count == 0) fail("WebP", "cannot be encoded");
  return {reinterpret_cast<const char*>(written), count};
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::image

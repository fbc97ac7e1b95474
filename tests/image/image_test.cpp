#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include <ccexpert/image/decode.h>
#include <ccexpert/image/preprocess.h>

#include "core/files.h"
#include "image/shared/encode.h"
#include "image/shared/resize.h"
#include "support/errors.h"
#include "support/paths.h"
#include "support/temporary_folder.h"

namespace ccexpert::image {
namespace {

const auto kImages = std::filesystem::path(test::kTestData) / "preprocess" / "images";

Image gradient(int64_t height, int64_t width) {
  Image image{height, width, {}};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < 3; ++c)
        image.pixels.push_back(static_cast<uint8_t>((x * 7 + y * 13 + c * 50) % 256));
    }
  }
  return image;
}

TEST(Resize, RowsMayLieApart) {
  const auto packed = gradient(9, 5);
  std::vector<uint8_t> spread(9 * 32, 99);
  for (size_t y = 0; y < 9; ++y)
    std::copy_n(packed.pixels.begin() + static_cast<long>(y) * 15, 15,
                spread.begin() + static_cast<long>(y) * 32);
  const ImageView view{spread.data(), 9, 5, 32};
  EXPECT_EQ(resize_bicubic(view, 20, 12).pixels, resize_bicubic(packed.view(), 20, 12).pixels);
  EXPECT_EQ(resize_bicubic(view, 9, 5).pixels, packed.pixels);
}

TEST(Resize, AFlatImageStaysFlat) {
  const Image flat{3, 50, std::vector<uint8_t>(450, 200)};
  for (const auto byte : resize_bicubic(flat.view(), 70, 11).pixels) EXPECT_EQ(byte, 200);
}

TEST(Resize, RefusesWhatHasNoPixels) {
  const auto image = gradient(2, 2);
  EXPECT_EQ(test::error_of([&] { resize_bicubic(image.view(), 0, 4); }),
            "resize: expected a size of at least 1 x 1, got 4 x 0");
  EXPECT_EQ(
      test::error_of([&] {
        resize_bicubic({image.pixels.data(), 2, 2, 5}, 4, 4);
      }),
      "resize: expected an image with pixels and a stride of at least 3 * width, got 2 x 2 pixels, stride 5");
  EXPECT_EQ(test::error_of([&] {
              resize_bicubic({nullptr, 2, 2, 6}, 4, 4);
            }),
            "resize: expected an image with pixels and a stride of at least 3 * width, "
            "got 2 x 2 pixels, stride 6, no data");
}

TEST(Preprocess, NormalisesIntoPlanes) {
  const Image image{2, 2, {0, 51, 255, 0, 51, 255, 0, 51, 255, 0, 51, 255}};
  std::vector<float> planes(12);
  preprocess(image.view(), {.size = 2}, planes);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_FLOAT_EQ(planes[i], -1.0f);
    EXPECT_FLOAT_EQ(planes[4 + i], -0.6f);
    EXPECT_FLOAT_EQ(planes[8 + i], 1.0f);
  }
}

TEST(Preprocess, PadsToASquareOfTheMeanColour) {
  const Image wide{1, 3, std::vector<uint8_t>(9, 255)};
  std::vector<float> planes(27);
  preprocess(wide.view(),
             {.size = 3, .mean = {0.5, 0.5, 0.5}, .deviation = {0.5, 0.5, 0.5}, .aspect = AspectMode::kPad},
             planes);
  EXPECT_NEAR(planes[0], 127.0 / 127.5 - 1.0, 1e-6);
  EXPECT_FLOAT_EQ(planes[4], 1.0f);
  EXPECT_NEAR(planes[8], 127.0 / 127.5 - 1.0, 1e-6);
}

TEST(Preprocess, RefusesAnOutputOfAnotherLength) {
  const auto image = gradient(4, 4);
  std::vector<float> planes(5);
  EXPECT_EQ(test::error_of([&] { preprocess(image.view(), {.size = 4}, planes); }),
            "preprocess: expected space for 48 values, got 5");
}

TEST(Decode, WrittenPngReadsBackTheSame) {
  const test::TemporaryFolder folder;
  const auto image = gradient(31, 17);
  write_png(folder / "x.png", image.view());
  const auto back = decode_image(folder / "x.png");
  EXPECT_EQ(back.height, 31);
  EXPECT_EQ(back.width, 17);
  EXPECT_EQ(back.pixels, image.pixels);
}

TEST(Encode, ARowOfAWindowEndsAtItsWidth) {
  const auto image = gradient(31, 17);
  const ImageView window{image.pixels.data() + 3 * (17 * 4 + 5), 20, 9, 3 * 17};
  const auto bytes = encode_png(window);
  const auto back = decode_image({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, "window");
  ASSERT_EQ(back.width, 9);
  EXPECT_EQ(back.pixels[3 * 9], image.pixels[3 * (17 * 5 + 5)]);
}

TEST(Encode, WebpIsCloseAndRefusesASideThatItCannotHave) {
  const auto image = resize_bicubic(gradient(5, 4).view(), 31, 17);
  const auto bytes = encode_webp(image.view(), 90.0F);
  const auto back = decode_image({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, "webp");
  ASSERT_EQ(back.pixels.size(), image.pixels.size());
  int64_t difference = 0;
  for (size_t i = 0; i < image.pixels.size(); ++i) difference += std::abs(image.pixels[i] - back.pixels[i]);
  EXPECT_LT(static_cast<double>(difference) / static_cast<double>(image.pixels.size()), 8.0);
  const Image wide{.height = 1, .width = 16'384, .pixels = std::vector<uint8_t>(3 * 16'384)};
  EXPECT_EQ(test::error_of([&] { encode_webp(wide.view(), 90.0F); }), "WebP: cannot be encoded");
  EXPECT_EQ(test::error_of([&] { encode_png({}); }),
            "encode_png: expected an image with pixels and a stride of at least 3 * width, got 0 x 0 pixels, "
            "stride 0, "
            "no data");
}

TEST(Decode, EveryCutOfAFileIsRefused) {
  for (const char* name : {"rgba.png", "progressive.jpg", "rgb.bmp", "rgb_lzw.tif", "lossless.webp"}) {
    const auto whole = read_file(kImages / name);
    for (const double share : {0.0, 0.01, 0.1, 0.5, 0.9}) {
      const auto cut = whole.substr(0, static_cast<size_t>(static_cast<double>(whole.size()) * share));
      const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(cut.data()), cut.size());
      EXPECT_EQ(test::error_of([&] { decode_image(bytes, "cut"); }).find("cut: "), 0u)
          << name << " at " << share;
    }
  }
}

TEST(Decode, NamesWhatItCannotRead) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(test::error_of([&] { decode_image(folder / "none.png"); }),
            (folder / "none.png").string() + ": cannot be opened (No such file or directory)");
  EXPECT_EQ(test::error_of([&] { decode_image(folder.path()); }),
            folder.path().string() + ": expected a regular file, got a folder");
  EXPECT_EQ(test::error_of([] { decode_image(std::filesystem::path("/dev/zero")); }),
            "/dev/zero: expected a regular file, got a device");
  EXPECT_EQ(test::error_of([&] { decode_image(folder.write("a.png", "hello")); }),
            (folder / "a.png").string() + ": expected a PNG, JPEG, TIFF, BMP or WebP image, got other data");
}

}  // namespace
}  // namespace ccexpert::image

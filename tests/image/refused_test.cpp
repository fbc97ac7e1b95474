// Files that are not images, bombs, and libraries that only warn.
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <ccexpert/image/decode.h>

#include "core/files.h"
#include "support/errors.h"
#include "support/paths.h"

namespace ccexpert::image {
namespace {

using namespace std::string_literals;

const auto kImages = std::filesystem::path(test::kTestData) / "preprocess" / "images";

std::string error_of_bytes(const std::string& bytes) {
  return test::error_of([&] {
    decode_image({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, "x.png");
  });
}

TEST(OtherFiles, AreNamed) {
  const auto wanted = "x.png: expected a PNG, JPEG, TIFF, BMP or WebP image, got "s;
  EXPECT_EQ(error_of_bytes("version https://git-lfs.github.com/spec/v1\noid sha256:01\nsize 9\n"),
            wanted + "a Git LFS pointer (fetch the file itself: git lfs pull)");
  EXPECT_TRUE(error_of_bytes("\n<!DOCTYPE html><html>").starts_with(wanted + "an HTML page ("));
  EXPECT_TRUE(error_of_bytes("\xff\xfeh\0i\0"s).starts_with(wanted + "UTF-16 text ("));
  EXPECT_EQ(error_of_bytes("GIF89a"), wanted + "a GIF image (convert it to PNG or TIFF)");
  EXPECT_EQ(error_of_bytes("\0\0\0\x0cjP  \r\n"s), wanted + "a JPEG 2000 image (convert it to PNG or TIFF)");
  EXPECT_EQ(error_of_bytes("hello"), wanted + "other data");
}

std::string number(uint64_t value, size_t width) {
  std::string bytes;
  for (size_t i = 0; i < width; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}

/// Returns a TIFF with one directory of 32-bit values and no pixels.
std::string tiff(const std::vector<std::pair<int, uint32_t>>& tags) {
  std::string bytes = "II*\0"s + number(8, 4) + number(tags.size(), 2);
  for (const auto& [tag, value] : tags)
    bytes += number(static_cast<uint64_t>(tag), 2) + number(4, 2) + number(1, 4) + number(value, 4);
  return bytes + number(0, 4);
}

TEST(Bombs, ATiffDeclaresMoreThanItMay) {
  EXPECT_EQ(
      error_of_bytes(tiff({{256, 100000}, {257, 100000}, {258, 8}, {262, 1}, {273, 8}, {278, 1}, {279, 9}})),
      "x.png: expected at most 268435456 pixels, got 100000 x 100000 pixels (cut it into tiles first)");
  const auto strip = error_of_bytes(tiff({{256, 16000},
                                          {257, 16000},
                                          {258, 32},
                                          {259, 5},
                                          {262, 1},
                                          {273, 8},
                                          {277, 2},
                                          {278, 16000},
                                          {279, 9}}));
  EXPECT_TRUE(strip.starts_with("x.png: expected strips or tiles of at most 1073741824 bytes, got 16000 x "))
      << strip;
  const auto tiles = error_of_bytes(
      tiff({{256, 1 << 20}, {257, 16}, {258, 8}, {262, 1}, {322, 16}, {323, 1 << 24}, {324, 8}, {325, 9}}));
  EXPECT_TRUE(tiles.starts_with("x.png: expected tiles of about the image's size or smaller, got ")) << tiles;
}

TEST(Bombs, ASparseTiffIsNotBlack) {
  EXPECT_EQ(error_of_bytes(
                tiff({{256, 16}, {257, 16}, {258, 8}, {262, 1}, {322, 16}, {323, 16}, {324, 0}, {325, 0}})),
            "x.png: expected a TIFF with all of its pixels, got one without strip or tile 0 "
            "(write it whole, as gdal_translate -co SPARSE_OK=FALSE does)");
}

TEST(Bmp, NegativeSidesAreToldAsTheyAre) {
  const auto of_sides = [](uint32_t width, uint32_t height) {
    return error_of_bytes("BM" + number(58, 4) + number(0, 4) + number(54, 4) + number(40, 4) +
                          number(width, 4) + number(height, 4) + number(1, 2) + number(24, 2) +
                          std::string(28, '\0'));
  };
  const auto wanted = "x.png: expected at least 1 x 1 pixels, got "s;
  EXPECT_EQ(of_sides(0xffffffff, 4), wanted + "-1 x 4 pixels (the header of the BMP is damaged)");
  EXPECT_EQ(of_sides(4, 0x80000000), wanted + "4 x -2147483648 pixels (the header of the BMP is damaged)");
  EXPECT_EQ(of_sides(0, 4), wanted + "0 x 4 pixels");
  EXPECT_EQ(of_sides(1, 1), "no error");
  EXPECT_EQ(of_sides(1, 0xffffffff), "no error");
}

/// Returns a JPEG whose last scan is repeated `times` times.
std::string with_scans(size_t times) {
  const auto whole = read_file(kImages / "progressive.jpg");
  const auto scan = whole.rfind("\xff\xda"s), end = whole.rfind("\xff\xd9"s);
  auto bytes = whole.substr(0, scan);
  for (size_t i = 0; i < times; ++i) bytes += whole.substr(scan, end - scan);
  return bytes + "\xff\xd9";
}

TEST(Bombs, AJpegOfThousandsOfScansIsRefused) {
  EXPECT_EQ(error_of_bytes(with_scans(1)), "no error");
  EXPECT_EQ(error_of_bytes(with_scans(5000)),
            "x.png: expected a JPEG of at most 500 scans, got one with more "
            "(an encoder writes about ten; save it again)");
}

TEST(Jpeg, DamageThatTheLibraryOnlyWarnsOfIsWarnedOf) {
  auto bytes = read_file(kImages / "baseline_444.jpg");
  bytes.insert(bytes.rfind("\xff\xd9"s), 99, '\x01');
  testing::internal::CaptureStderr();
  EXPECT_EQ(error_of_bytes(bytes), "no error");
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("x.png: a JPEG with damaged data, decoded as far as it goes (Corrupt JPEG data: "),
            std::string::npos)
      << text;
}

TEST(Jpeg, ACutFileIsTruncatedAndNotFilledUp) {
  const auto bytes = read_file(kImages / "baseline_444.jpg");
  for (const size_t missing : {2U, 200U, 9000U}) {
    EXPECT_EQ(error_of_bytes(bytes.substr(0, bytes.size() - missing)),
              "x.png: expected a whole JPEG image, got a truncated file")
        << missing;
  }
}

TEST(Png, AWrongChecksumIsRefused) {
  for (const char* chunk : {"IDAT", "PLTE"}) {
    auto bytes = read_file(kImages / "palette.png");
    bytes[bytes.find(chunk) + 6] ^= 1;
    const auto text = error_of_bytes(bytes);
    EXPECT_TRUE(text.starts_with("x.png: expected a whole PNG image, got damaged data (")) << text;
  }
}

}  // namespace
}  // namespace ccexpert::image

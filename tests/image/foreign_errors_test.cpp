// Exhausted memory leaves the room as an Error, wherever it happens.
#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include <ccexpert/image/decode.h>
#include <ccexpert/image/preprocess.h>

#include "image/shared/resize.h"
#include "support/paths.h"
#include "support/scarce_memory.h"

namespace ccexpert::image {
namespace {

using test::expect_errors_without_memory;

const auto kImages = std::filesystem::path(test::kTestData) / "preprocess" / "images";

TEST(ForeignErrorsOfImages, AnImageThatDoesNotFitIsAnError) {
  for (const auto* name :
       {"gray.jpg", "rgb_300x7.png", "palette.png", "rgb.bmp", "rgb_lzw.tif", "lossless.webp"}) {
    SCOPED_TRACE(name);
    const auto file = kImages / name;
    EXPECT_GT(expect_errors_without_memory([&] { decode_image(file); }), 0);
  }
}

TEST(ForeignErrorsOfImages, AResultThatDoesNotFitIsAnError) {
  const auto image = decode_image(kImages / "rgb_300x7.png");
  std::vector<float> planes(3 * 14 * 14);
  const PreprocessConfig config{.size = 14};
  EXPECT_GT(expect_errors_without_memory([&] { resize_bicubic(image.view(), 40, 40); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { preprocess(image.view(), config, planes); }), 0);
  const auto large = resize_bicubic(image.view(), 200, 200);
  EXPECT_GT(expect_errors_without_memory([&] { encode_png(large.view()); }), 0);
}

}  // namespace
}  // namespace ccexpert::image

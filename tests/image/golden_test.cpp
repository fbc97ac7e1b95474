#include <array>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <openssl/sha.h>

#include <ccexpert/image/decode.h>
#include <ccexpert/image/preprocess.h>
#include <ccexpert/io/safetensors.h>

#include "core/files.h"
#include "core/json.h"
#include "image/shared/resize.h"
#include "support/errors.h"
#include "support/paths.h"
#include "support/shared_data.h"

namespace ccexpert::image {
namespace {

const auto kFolder = std::filesystem::path(test::kTestData) / "preprocess";

const nlohmann::json& expected() {
  static const auto parsed = parse_json(read_file(kFolder / "expected.json"), "expected.json");
  return parsed;
}

int largest_difference(const Image& image, const at::Tensor& reference) {
  if (static_cast<size_t>(reference.numel()) != image.pixels.size()) return 256;
  const auto* values = reference.const_data_ptr<uint8_t>();
  int largest = 0;
  for (size_t i = 0; i < image.pixels.size(); ++i)
    largest = std::max(largest, std::abs(image.pixels[i] - values[i]));
  return largest;
}

TEST(PreprocessGolden, EveryFormatDecodesAndResizesAsPillow) {
  const auto arrays = io::open_safetensors(kFolder / "expected.safetensors");
  int compared = 0;
  for (const auto& [name, row] : expected().items()) {
    if (!name.starts_with("images/") || row.contains("error")) continue;
    const auto size = row["size"].get<int64_t>();
    const auto image = resize_bicubic(decode_image(kFolder / name).view(), size, size);
    EXPECT_LE(largest_difference(image, arrays->tensor(name + "@" + std::to_string(size))),
              row["max_abs"].get<int>())
        << name;
    ++compared;
  }
  EXPECT_GE(compared, 24);
}

TEST(PreprocessGolden, DamagedFilesAreRefusedWithOneSentence) {
  int refused = 0;
  for (const auto& [name, row] : expected().items()) {
    if (!row.contains("error")) continue;
    const auto text = test::error_of([&, file = kFolder / name] { decode_image(file); });
    EXPECT_EQ(text.find((kFolder / name).string() + ": expected "), 0u) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    ++refused;
  }
  EXPECT_EQ(refused, 5);
}

std::string sha256(const std::vector<uint8_t>& bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(bytes.data(), bytes.size(), digest.data());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

TEST(PreprocessGolden, RealPairsResizeAsPillow) {
  const auto pairs = test::real_pairs();
  if (!pairs) GTEST_SKIP() << test::kNoRealPairs;
  int compared = 0;
  for (const auto& [key, row] : expected().items()) {
    if (key.starts_with("images/")) continue;
    const auto size = row["size"].get<int64_t>();
    const auto image = resize_bicubic(decode_image(*pairs / key.substr(0, key.find('@'))).view(), size, size);
    EXPECT_EQ(sha256(image.pixels), row["sha256"].get<std::string>()) << key;
    ++compared;
  }
  EXPECT_EQ(compared, 36);
}

TEST(PreprocessGolden, PixelValuesEqualTheReferenceProcessor) {
  const auto pairs = test::real_pairs();
  if (!pairs) GTEST_SKIP() << test::kNoRealPairs;
  const auto tiny = std::filesystem::path(test::kTestData) / "checkpoint-tiny";
  const auto golden = parse_json(read_file(tiny / "expected.json"), "expected.json");
  const auto arrays = io::open_safetensors(tiny / "expected.safetensors");
  const PreprocessConfig config{.size = 84};
  std::vector<float> planes(3 * 84 * 84);
  for (size_t pair = 0; pair < golden["pairs"].size(); ++pair) {
    const auto reference = arrays->tensor(std::to_string(pair) + ".pixel_values");
    for (size_t date = 0; date < 2; ++date) {
      const auto image = decode_image(*pairs / golden["pairs"][pair]["images"][date].get<std::string>());
      preprocess(image.view(), config, planes);
      const auto* values = reference.const_data_ptr<float>() + date * planes.size();
      float largest = 0;
      for (size_t i = 0; i < planes.size(); ++i) largest = std::max(largest, std::abs(planes[i] - values[i]));
      EXPECT_LE(largest, 1e-6f) << "pair " << pair << " date " << date;
    }
  }
}

}  // namespace
}  // namespace ccexpert::image

// Test of all kinds of TIFF and BMP headers, and of damaged files, with the table that
// tests/image/make_image_table.py wrote.
#include <array>
#include <filesystem>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <nlohmann/json.hpp>
#include <openssl/sha.h>
#include <zlib.h>

#include <ccexpert/core/log.h>
#include <ccexpert/image/decode.h>
#include <ccexpert/io/safetensors.h>

#include "core/files.h"
#include "core/json.h"
#include "image/shared/probe.h"
#include "support/errors.h"
#include "support/paths.h"
#include "support/temporary_folder.h"

namespace ccexpert::image {
namespace {

using Files = std::map<std::string, std::string>;

std::string unpacked(const std::filesystem::path& path) {
  std::string bytes;
  std::array<char, 65536> part{};
  gzFile file = gzopen(path.c_str(), "rb");
  for (int count = 0; (count = gzread(file, part.data(), part.size())) > 0;)
    bytes.append(part.data(), static_cast<size_t>(count));
  gzclose(file);
  return bytes;
}

const auto kFolder = std::filesystem::path(test::kTestData) / "image_table";

const nlohmann::json& expected() {
  static const auto parsed = parse_json(read_file(kFolder / "expected.json"), "expected.json");
  return parsed;
}

const Files& files() {
  static const Files read = [] {
    const test::TemporaryFolder folder;
    const auto archive =
        io::open_safetensors(folder.write("files.safetensors", unpacked(kFolder / "files.safetensors.gz")));
    Files result;
    for (const auto& [name, row] : expected().items()) {
      const auto bytes = archive->tensor(name);
      result[name].assign(reinterpret_cast<const char*>(bytes.const_data_ptr<uint8_t>()),
                          static_cast<size_t>(bytes.numel()));
    }
    return result;
  }();
  return read;
}

std::span<const uint8_t> bytes_of(const std::string& file) {
  return {reinterpret_cast<const uint8_t*>(file.data()), file.size()};
}

std::string sha256(const std::vector<uint8_t>& bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(bytes.data(), bytes.size(), digest.data());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

class ImageTable : public testing::Test {
 protected:
  // These tests ignore the warning about a stretch.
  void SetUp() override { log::set_level(log::Level::kOff); }
  void TearDown() override { log::set_level(log::Level::kInfo); }
};

TEST_F(ImageTable, EveryKindHasThePixelsOfPillowOrOfTheRule) {
  int compared = 0;
  for (const auto& [name, row] : expected().items()) {
    if (row.contains("refused")) continue;
    Image image;
    EXPECT_EQ(test::error_of([&, &file = files().at(name)] { image = decode_image(bytes_of(file), "x"); }),
              "no error")
        << name;
    EXPECT_EQ(image.width, row["width"].get<int64_t>()) << name;
    EXPECT_EQ(sha256(image.pixels), row["sha256"].get<std::string>()) << name << ", by " << row["oracle"];
    ++compared;
  }
  EXPECT_GE(compared, 150);
}

TEST_F(ImageTable, OtherKindsAreNamedAndNotCalledDamaged) {
  int refused = 0;
  for (const auto& [name, row] : expected().items()) {
    if (row.value("refused", "") != "unsupported") continue;
    const auto text = test::error_of([&, &file = files().at(name)] { decode_image(bytes_of(file), "x"); });
    EXPECT_TRUE(text.starts_with("x: expected a ")) << name << ": " << text;
    EXPECT_EQ(text.find("damaged"), std::string::npos) << name << ": " << text;
    ++refused;
  }
  EXPECT_GE(refused, 40);
}

TEST_F(ImageTable, DamagedPixelsAreRefused) {
  int refused = 0;
  for (const auto& [name, row] : expected().items()) {
    if (row.value("refused", "") != "damaged") continue;
    const auto text = test::error_of([&, &file = files().at(name)] { decode_image(bytes_of(file), "x"); });
    EXPECT_TRUE(text.starts_with("x: expected a whole ")) << name << ": " << text;
    ++refused;
  }
  EXPECT_EQ(refused, 18);
}

TEST_F(ImageTable, NoLibraryWritesToStandardError) {
  testing::internal::CaptureStderr();
  for (const auto& [name, file] : files())
    test::error_of([bytes = bytes_of(file)] { decode_image(bytes, "x"); });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(ImageTable, ASizeInTheHeaderIsThatOfThePixels) {
  for (const auto& [name, row] : expected().items()) {
    if (row.contains("refused")) continue;
    const auto header = probe_image(bytes_of(files().at(name)), "x");
    EXPECT_EQ(header.width, row["width"].get<int64_t>()) << name;
    EXPECT_EQ(header.height, row["height"].get<int64_t>()) << name;
  }
}

/// Returns all pixels or the error text, while the allocator fills new and freed memory with `poison`.
std::string decoded_with(int poison, const std::string& file) {
  mallopt(M_PERTURB, poison);
  std::string result;
  const auto error = test::error_of([&] {
    const auto image = decode_image(bytes_of(file), "x");
    result.assign(image.pixels.begin(), image.pixels.end());
  });
  mallopt(M_PERTURB, 0);
  return result + error;
}

TEST_F(ImageTable, PixelsDoNotDependOnWhatMemoryHeld) {
  for (const auto& [name, file] : files())
    EXPECT_EQ(decoded_with(0x5a, file), decoded_with(0xc3, file)) << name;
}

TEST_F(ImageTable, EveryCutOfATiffIsRefusedOrHasItsPixels) {
  for (const auto& [name, row] : expected().items()) {
    if (row.contains("refused") || !name.ends_with(".tif")) continue;
    const auto& file = files().at(name);
    for (const size_t size : {file.size() / 8, file.size() / 2, file.size() - 1}) {
      const auto cut = bytes_of(file).first(size);
      Image image;
      const auto text = test::error_of([&] { image = decode_image(cut, "x"); });
      if (text == "no error") {
        EXPECT_EQ(sha256(image.pixels), row["sha256"].get<std::string>()) << name << " cut at " << size;
      }
    }
  }
}

}  // namespace
}  // namespace ccexpert::image

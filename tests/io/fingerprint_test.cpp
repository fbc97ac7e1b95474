#include <gtest/gtest.h>

#include <ccexpert/io/fingerprint.h>

#include "support/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"

namespace ccexpert::io {
namespace {

namespace fs = std::filesystem;

class Fingerprint : public ::testing::Test {
 protected:
  Fingerprint() { fs::copy(fs::path(test::kTestData) / "checkpoint-tiny", folder_ / "model"); }

  std::string now() const { return fingerprint(folder_ / "model"); }

  fs::path weights() const {
    for (const auto& entry : fs::directory_iterator(folder_ / "model")) {
      if (entry.path().extension() == ".safetensors") return entry.path();
    }
    return {};
  }

  test::TemporaryFolder folder_;
};

TEST_F(Fingerprint, IsThatOfTheContents) {
  const auto first = now();
  EXPECT_EQ(first.size(), 32U);
  fs::rename(folder_ / "model", folder_ / "other");
  EXPECT_EQ(fingerprint(folder_ / "other"), first);
  folder_.write("other/README.md", "a text");
  EXPECT_EQ(fingerprint(folder_ / "other"), first);
}

TEST_F(Fingerprint, ChangesWithAConfigAndWithWeights) {
  const auto first = now();
  auto bytes = test::content(weights());
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  folder_.write(fs::relative(weights(), folder_.path()).string(), bytes);
  const auto second = now();
  EXPECT_NE(second, first);
  folder_.write("model/generation_config.json", "{}");
  EXPECT_NE(now(), second);
}

}  // namespace
}  // namespace ccexpert::io

#include "io/shared/fingerprint.h"

#include <gtest/gtest.h>

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

TEST_F(Fingerprint, ChangesWithAByteInTheMiddleOfALargeFile) {
  std::string bytes(size_t{5} << 20, 'w');
  folder_.write("model/extra.safetensors", bytes);
  const auto first = now();
  bytes[(bytes.size() / 2) + 12345] = 'x';
  folder_.write("model/extra.safetensors", bytes);
  EXPECT_NE(now(), first);
}

TEST_F(Fingerprint, ChangesWithTheTokenizer) {
  for (const auto* name : {"vocab.json", "merges.txt", "tokenizer.json", "tokenizer.model",
                           "added_tokens.json", "tokenizer_config.json"}) {
    const auto path = std::string("model/") + name;
    folder_.write(path, R"({"a": 0, "b": 1})");
    const auto first = now();
    folder_.write(path, R"({"a": 1, "b": 0})");
    EXPECT_NE(now(), first) << name;
  }
}

}  // namespace
}  // namespace ccexpert::io

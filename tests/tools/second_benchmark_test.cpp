// scripts/make_second_benchmark.sh on a drawn folder in SECOND's layout.
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ccexpert/image/decode.h>

#include "support/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Colour = std::array<uint8_t, 3>;

constexpr int64_t kSide = 64;
constexpr Colour kUnchanged{255, 255, 255}, kVegetation{0, 128, 0}, kBuilding{128, 0, 0};

class SecondBenchmark : public ::testing::Test {
 protected:
  SecondBenchmark() {
    for (int i = 0; i < 20; ++i) {
      const auto name = fmt::format("{:05}.png", i);
      draw("im1/" + name, i, {90, 120, 60}, {90, 120, 60});
      draw("im2/" + name, i, {90, 120, 60}, {200, 180, 170});
      draw("label1/" + name, i, kUnchanged, kVegetation);
      draw("label2/" + name, i, kUnchanged, kBuilding);
    }
  }
  /// Writes a square of one colour, elsewhere in each pair, on another.
  void draw(const std::string& name, int64_t pair, const Colour& ground, const Colour& square) const {
    image::Image image{kSide, kSide, {}};
    for (int64_t y = 0; y < kSide; ++y) {
      for (int64_t x = 0; x < kSide; ++x) {
        const bool inside = x >= 2 * pair && x < 2 * pair + 20 && y >= pair && y < pair + 20;
        const auto& colour = inside ? square : ground;
        image.pixels.insert(image.pixels.end(), colour.begin(), colour.end());
      }
    }
    const auto file = folder_ / "SECOND/train" / name;
    fs::create_directories(file.parent_path());
    image::write_png(file, image.view());
  }
  ProcessResult make(const std::string& out) const {
    return run_process({"/bin/bash", std::string(kSourceDir) + "/scripts/make_second_benchmark.sh", "--data",
                        CCEXPERT_DATA, (folder_ / "SECOND").string(), (folder_ / out).string()});
  }
  nlohmann::json list(const std::string& name) const {
    return nlohmann::json::parse(content(folder_ / name));
  }

  TemporaryFolder folder_;
};

TEST_F(SecondBenchmark, HasAFixedSplitOfWholePairsWithFourReferences) {
  const auto result = make("out");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("no problems"));
  std::set<std::string> uids;
  const std::map<std::string, size_t> sizes{{"train", 14}, {"val", 2}, {"test", 4}};
  for (const auto& [split, size] : sizes) {
    const auto pairs = list("out/" + split + ".json");
    EXPECT_EQ(pairs.size(), size) << split;
    for (const auto& pair : pairs) {
      EXPECT_TRUE(uids.insert(pair["uid"]).second) << pair["uid"];
      EXPECT_EQ(pair["change_caption"].size(), 4U);
      EXPECT_EQ(pair["change_flag"], 1);
      EXPECT_THAT(pair["change_caption"][0].get<std::string>(), HasSubstr("low vegetation"));
      EXPECT_THAT(pair["change_caption"][0].get<std::string>(), HasSubstr("building"));
      EXPECT_EQ(pair["caption_source"], "template");
      // A whole pair: its images are those of the source, not crops.
      EXPECT_TRUE(
          fs::equivalent(folder_ / "out" / pair["img1_path"].get<std::string>(),
                         folder_ / "SECOND/train/im1" / (pair["uid"].get<std::string>().substr(6) + ".png")));
      EXPECT_TRUE(fs::exists(folder_ / "out" / pair["classes2_path"].get<std::string>()));
    }
  }
  // Another machine makes the same benchmark.
  ASSERT_EQ(make("again").exit_code, 0);
  for (const auto& [split, size] : sizes)
    EXPECT_EQ(list("again/" + split + ".json"), list("out/" + split + ".json"));
}

TEST_F(SecondBenchmark, ItsReferencesScoreThemselvesFully) {
  ASSERT_EQ(make("out").exit_code, 0);
  std::ofstream predictions(folder_ / "copies.jsonl");
  for (const auto& pair : list("out/test.json"))
    predictions << nlohmann::json{{"uid", pair["uid"]}, {"pred", pair["change_caption"][0]}}.dump() << '\n';
  predictions.close();
  const auto result = run_process({CCEXPERT_EVAL, (folder_ / "copies.jsonl").string(), "--references",
                                   (folder_ / "out/test.json").string(), "--no-meteor", "--format", "json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto scores = nlohmann::json::parse(result.out)["subsets"]["all"]["scores"];
  EXPECT_NEAR(scores["BLEU-4"]["value"].get<double>(), 1.0, 1e-9);
  EXPECT_DOUBLE_EQ(scores["change accuracy"]["value"].get<double>(), 1.0);
}

TEST_F(SecondBenchmark, DoesNotReplaceABenchmark) {
  fs::create_directories(folder_ / "out");
  ASSERT_EQ(make("out").exit_code, 0);
  fs::remove(folder_ / "out/train.json");
  const auto again = make("out");
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("expected a new or empty folder, got files"));
}

}  // namespace
}  // namespace ccexpert::test

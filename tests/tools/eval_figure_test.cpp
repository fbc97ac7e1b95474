// Tests of ccexpert-eval's figure.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/image/decode.h>

#include "eval/meteor_tables.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class EvalFigure : public ::testing::Test {
 protected:
  EvalFigure() {
    for (const char* side : {"A", "B"}) {
      fs::create_directories(folder_ / side);
      const image::Image red{.height = 40, .width = 40, .pixels = std::vector<uint8_t>(40 * 40 * 3, 200)};
      image::write_png(folder_ / side / "1.png", red.view());
    }
  }

  std::string said(const std::string& name, const std::string& caption) {
    return folder_
        .write(name, R"({"uid": "first", "pred": ")" + caption +
                         R"(", "change_caption": ["many cars"], "before": "A/1.png", "after": "B/1.png"}
{"uid": "second", "pred": "many cars", "change_caption": ["many cars"]}
)")
        .string();
  }
  ProcessResult draw(std::vector<std::string> arguments, const std::string& name) {
    arguments.insert(arguments.begin(), CCEXPERT_EVAL);
    arguments.insert(arguments.end(), {"--meteor-data", tables_.data().string(), "--figure", path(name),
                                       "--bootstrap", "10", "--output", path("table.txt")});
    return run_process(arguments);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  MeteorTables tables_;
  TemporaryFolder folder_;
};

/// Returns the number of pixels with a colour.
int64_t count(const image::Image& image, std::array<uint8_t, 3> colour) {
  int64_t found = 0;
  for (size_t i = 0; i + 2 < image.pixels.size(); i += 3)
    found += std::equal(colour.begin(), colour.end(), image.pixels.begin() + static_cast<std::ptrdiff_t>(i))
                 ? 1
                 : 0;
  return found;
}

TEST_F(EvalFigure, ShowsImagesAndMarksTheWordsOfEveryModel) {
  const auto ours = said("ours.jsonl", "many automobile"), theirs = said("theirs.jsonl", "a tree");
  const auto result = draw({ours, "--compare", theirs, "--figure-pairs", "1"}, "figure.png");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.err.find("ccexpert-eval: warning"), std::string::npos) << result.err;
  const auto picture = image::decode_image(path("figure.png"));
  EXPECT_EQ(picture.width, 1920);
  EXPECT_GT(count(picture, {200, 200, 200}), 2 * 300 * 300);
  EXPECT_GT(count(picture, {0xcd, 0xec, 0xcf}), 500) << "a word that is the same";
  EXPECT_GT(count(picture, {0xcf, 0xe2, 0xfb}), 500) << "a synonym";
  EXPECT_GT(count(picture, {0xfb, 0xd3, 0xd0}), 500) << "a word that is missed";
}

TEST_F(EvalFigure, WritesVectorsToo) {
  const auto ours = said("ours.jsonl", "many cars");
  EXPECT_EQ(draw({ours}, "figure.svg").exit_code, 0);
  EXPECT_THAT(content(path("figure.svg")),
              AllOf(StartsWith("<?xml"), HasSubstr("<image"), HasSubstr("</svg>")));
  EXPECT_EQ(draw({ours}, "figure.pdf").exit_code, 0);
  EXPECT_THAT(content(path("figure.pdf")), AllOf(StartsWith("%PDF-"), HasSubstr("%%EOF")));
}

TEST_F(EvalFigure, ShowsThePairsOnWhichTheModelsDifferMostOrThoseThatAreNamed) {
  const auto ours = said("ours.jsonl", "a tree"), theirs = said("theirs.jsonl", "many cars");
  const auto height = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {ours, "--compare", theirs});
    EXPECT_EQ(draw(more, "figure.png").exit_code, 0);
    return image::decode_image(path("figure.png"));
  };
  // Only the first pair has images.
  EXPECT_GT(count(height({"--figure-pairs", "1"}), {200, 200, 200}), 0);
  EXPECT_EQ(count(height({"--figure-uid", "second"}), {200, 200, 200}), 0);
  const auto unknown = draw({ours, "--figure-uid", "third"}, "none.png");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("--figure-uid: expected the uid of a scored pair, got third"));
  EXPECT_FALSE(fs::exists(path("none.png")));
}

TEST_F(EvalFigure, ShapesOtherScriptsOrSaysThatNoFontHasThem) {
  EXPECT_EQ(draw({said("ours.jsonl", "\u0431\u043e\u043b\u044c\u0448\u0435 \u05d1\u05d9\u05ea \\u001b[2J")},
                 "figure.png")
                .exit_code,
            0);
  const auto result = draw({said("ours.jsonl", "road \U000F1234")}, "none.png");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(
      result.err,
      HasSubstr("figure: expected an installed font for every character, got none for a character of"));
}

TEST_F(EvalFigure, SaysThatNoFontIsInstalled) {
  const auto none = folder_.write("fonts.conf", "<?xml version=\"1.0\"?><fontconfig></fontconfig>");
  ::setenv("FONTCONFIG_FILE", none.c_str(), 1);
  const auto result = draw({said("ours.jsonl", "many cars")}, "none.png");
  ::unsetenv("FONTCONFIG_FILE");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              HasSubstr("figure: expected an installed font, got none (install fonts-dejavu-core)"));
}

TEST_F(EvalFigure, AnImageThatCannotBeReadIsAWarningAndANote) {
  folder_.write("A/1.png", "no image");
  const auto result = draw({said("ours.jsonl", "many cars")}, "figure.svg");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr("A/1.png"));
}

}  // namespace
}  // namespace ccexpert::test

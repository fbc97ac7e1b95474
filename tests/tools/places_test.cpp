// Options, lines and files about the place of the change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "caption/caption_report.h"
#include "caption/place_files.h"
#include "core/json.h"
#include "page/report.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "tools/fake_model.h"

namespace ccexpert::tools {
namespace {

using test::content;
using test::error_of;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Returns the fake caption with what the options ask for.
std::vector<Caption> placed_captions(std::span<const ImagePair> pairs, const CaptionOptions& options) {
  auto captions = test::fake_captions(pairs, options);
  for (auto& caption : captions) {
    ChangeMap map{.grid = 2, .values = {0.0F, 0.12345F, 1.0F, 0.25F}};
    if (options.locate) caption.change = LocatedChange{map, 0.75, 0.9};
    if (options.words) caption.words = {{"from", map}, {"to", map}};
    if (options.check_swap) caption.unsure = true;
  }
  return captions;
}

class Places : public ::testing::Test {
 protected:
  void SetUp() override {
    test::write_image(folder_ / "A" / "0.png", 10, 8, 8);
    test::write_image(folder_ / "B" / "0.png", 20, 8, 8);
    command_.before_folder = folder_ / "A";
    command_.after_folder = folder_ / "B";
    command_.output = folder_ / "out.jsonl";
    command_.format = data::PredictionFormat::kJsonLines;
    command_.quiet = true;
  }

  /// Captions the pair; returns its line.
  nlohmann::json line() {
    const auto pairs = pairs_of(command_);
    auto writer = writer_of(command_, "run");
    caption_many(command_, pairs, placed_captions, {writer, nullptr}, {});
    return parse_json(content(command_.output), "line");
  }

  TemporaryFolder folder_;
  CaptionCommand command_;
};

TEST_F(Places, ALineHasWhatIsAskedForAndNothingElse) {
  const auto plain = line();
  for (const char* key : {"change_score", "change_raw", "change_map", "words", "polygons", "unsure"})
    EXPECT_FALSE(plain.contains(key)) << key;
}

TEST_F(Places, ALineHasScoreMapWordsAndDoubt) {
  command_.places.locate = command_.places.words = command_.places.check_swap = true;
  const auto found = line();
  EXPECT_EQ(found["change_score"], 0.9);
  EXPECT_EQ(found["change_raw"], 0.75);
  EXPECT_EQ(found["change_map"].dump(), R"({"grid":2,"values":[0.0,0.123,1.0,0.25]})");
  EXPECT_EQ(found["words"].size(), 2u);
  EXPECT_EQ(found["words"][1]["word"], "to");
  EXPECT_EQ(found["words"][1]["map"], found["change_map"]);
  EXPECT_EQ(found["unsure"], true);
}

TEST_F(Places, PolygonsAreClosedRingsInPixels) {
  command_.places.polygons = true;
  command_.places.change_threshold = 0.6;
  command_.places.simplify = 0.0;
  const auto found = line();
  EXPECT_FALSE(found.contains("change_map")) << "was not asked for";
  ASSERT_EQ(found["polygons"].size(), 1u);
  const auto& polygon = found["polygons"][0];
  const auto& ring = polygon["coordinates"][0];
  EXPECT_EQ(ring.front(), ring.back());
  EXPECT_GE(polygon["area"].get<double>(), 4.0);
  for (const auto& position : ring) {
    EXPECT_LE(position[0].get<double>(), 5.0) << "the changed patch is on the left";
    EXPECT_GE(position[1].get<double>(), 3.0) << "and below";
  }
}

TEST_F(Places, FoldersGetAnOverlayAndAMapOfEachPair) {
  command_.places.overlay = folder_ / "heat";
  command_.places.maps = folder_ / "maps";
  line();
  const auto drawn = image::decode_image(folder_ / "heat" / "0.png");
  EXPECT_EQ(drawn.width, 8);
  EXPECT_EQ(drawn.pixels[0], 20) << "no change at the top left";
  const auto bytes = content(folder_ / "maps" / "0.png.npy");
  EXPECT_THAT(bytes, HasSubstr("'shape': (2, 2)"));
  EXPECT_EQ(bytes.size() % 64, 16u) << "four values";
}

TEST_F(Places, AReportHasThemToo) {
  command_.places.locate = command_.places.words = command_.places.check_swap = true;
  command_.report = folder_ / "page.html";
  const auto pairs = pairs_of(command_);
  auto writer = writer_of(command_, "run");
  CaptionReport report(command_, pairs);
  caption_many(command_, pairs, placed_captions, {writer, &report}, {});
  report.finish();
  const auto page = content(command_.report);
  const auto packed = page::packed({.grid = 2, .values = {0.0F, 0.12345F, 1.0F, 0.25F}});
  size_t maps = 0;
  for (auto place = page.find(packed); place != std::string::npos; place = page.find(packed, place + 1))
    ++maps;
  EXPECT_EQ(maps, 3u) << "the pair's and those of two words";
}

TEST_F(Places, TheFilesOfASinglePairHaveTheNameOfItsLaterImage) {
  command_.before_folder.clear();
  command_.images = {folder_ / "A" / "0.png", folder_ / "B" / "0.png"};
  command_.places.overlay = folder_ / "heat";
  std::ostringstream out;
  caption_one(command_, placed_captions, {}, out);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "heat" / "0.png"));
}

TEST(PlaceFiles, NamesOfUidsStayInTheirFolder) {
  EXPECT_EQ(place_file_name("a_1-b.png", ".png"), "a_1-b.png");
  EXPECT_EQ(place_file_name("a", ".npy"), "a.npy");
  EXPECT_EQ(place_file_name("../x y/\n", ".png"), "%2E.%2Fx%20y%2F%0A.png");
  EXPECT_EQ(place_file_name("caf\xc3\xa9", ".png"), "caf\xc3\xa9.png");
  const auto name = place_file_name(std::string(500, 'a'), ".png");
  EXPECT_LT(name.size(), 255u);
  EXPECT_NE(name, place_file_name(std::string(501, 'a'), ".png"));
}

TEST(PlaceFiles, RefuseUidsOfOneFile) {
  const TemporaryFolder folder;
  PlaceOptions options;
  options.overlay = folder / "heat";
  const std::vector<data::PairFiles> pairs{{"a", "x", "y"}, {"a.png", "x", "y"}};
  EXPECT_EQ(error_of([&] { prepare_place_files(options, pairs); }),
            "--overlay: expected uids of different files, got a and a.png for a.png");
}

std::string refusal(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), {"ccexpert-caption", "--model=m", "a", "b"});
  const auto parsed = parse_caption_command(static_cast<int>(arguments.size()), arguments.data());
  return parsed.exit_code ? parsed.text.substr(0, parsed.text.find('\n')) : "";
}

TEST(PlaceOptions, LinesNeedJsonLines) {
  const std::string expected =
      "ccexpert-caption: --locate, --words, --check-swap, --polygons: expected with --format jsonl, or but "
      "for "
      "--polygons with --report";
  for (const char* option : {"--locate", "--words", "--check-swap", "--polygons"}) {
    EXPECT_EQ(refusal({option}), expected);
    EXPECT_EQ(refusal({option, "--format=csv"}), expected);
    EXPECT_EQ(refusal({option, "--format=jsonl"}), "");
    EXPECT_EQ(refusal({option, "--report=page.html"}), option == std::string("--polygons") ? expected : "");
  }
  EXPECT_EQ(refusal({"--overlay=heat", "--maps=maps"}), "");
}

TEST(PlaceOptions, RefuseSeveralQuestionsAndOptionsWithoutPolygons) {
  EXPECT_EQ(refusal({"--overlay=heat", "--prompt=x", "--prompt=y"}),
            "ccexpert-caption: --overlay, --maps: expected without several --prompt");
  EXPECT_THAT(refusal({"--change-threshold=0.5"}), HasSubstr("--polygons"));
  EXPECT_THAT(refusal({"--polygons", "--format=jsonl", "--change-threshold=0"}),
              StartsWith("ccexpert-caption: --change-threshold: "));
}

}  // namespace
}  // namespace ccexpert::tools

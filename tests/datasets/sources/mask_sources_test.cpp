// Sources that have masks and no captions.
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "datasets/sources/change_map.h"
#include "datasets/sources/conversion_fixture.h"
#include "datasets/sources/mask_source.h"

namespace ccexpert::datasets {
namespace {

class MaskSources : public Conversion {
 protected:
  /// Black, with a rectangle of one colour.
  static image::Image label(int64_t side, const Window& box, std::array<uint8_t, 3> colour,
                            std::array<uint8_t, 3> ground = {0, 0, 0}) {
    image::Image image{side, side, {}};
    for (int64_t y = 0; y < side; ++y) {
      for (int64_t x = 0; x < side; ++x) {
        const bool inside =
            y >= box.top && y < box.top + box.height && x >= box.left && x < box.left + box.width;
        const auto& value = inside ? colour : ground;
        image.pixels.insert(image.pixels.end(), value.begin(), value.end());
      }
    }
    return image;
  }
  static image::Image empty(int64_t side) { return label(side, {}, {}); }
  void pair(const std::string& before, const std::string& after, int64_t side = 256) const {
    image(before, test::noise(side, side, 1));
    image(after, test::noise(side, side, 2));
  }
  nlohmann::json list(const std::string& split) const {
    return nlohmann::json::parse(std::ifstream(folder_ / "out" / (split + ".json")));
  }
  static constexpr std::array<uint8_t, 3> kWhite{255, 255, 255};
};

TEST_F(MaskSources, SysuCdIsCutAroundSmallChanges) {
  for (const auto* name : {"00001", "00002", "00003"}) {
    pair(fmt::format("train/time1/{}.png", name), fmt::format("train/time2/{}.png", name));
  }
  image("train/label/00001.png", label(256, {10, 10, 40, 40}, kWhite));
  image("train/label/00002.png", label(256, {0, 0, 200, 200}, kWhite));
  image("train/label/00003.png", empty(256));
  const auto summary = converted();
  EXPECT_EQ(summary.source, "sysu-cd");
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{3, 15, 2, 1}));
  const auto train = pairs("train");
  // 1600 pixels are 15 % of a window of 103; the least side is 128.
  const auto window = image::decode_image(train[0].before);
  EXPECT_EQ(window.width, 128);
  EXPECT_EQ(image::decode_image(train[0].mask).height, 128);
  EXPECT_EQ(window.pixels[0], image::decode_image(in("train/time1/00001.png")).pixels[0]);
  EXPECT_EQ(train[1].before.lexically_normal(), in("train/time1/00002.png"));
  EXPECT_EQ(train[1].mask.lexically_normal(), in("train/label/00002.png"));
  EXPECT_EQ(train[2].changed, false);
  EXPECT_EQ(list("train")[0]["caption_source"], "template");
  EXPECT_THAT(list("train")[0]["facts"][0].get<std::string>(), HasSubstr("of the image"));
  expect_trains("train");
}

TEST_F(MaskSources, LevirCdGivesAWindowForEachGroup) {
  pair("val/A/val_1.png", "val/B/val_1.png", 512);
  auto two = label(512, {20, 20, 40, 40}, kWhite);
  const auto other = label(512, {400, 400, 60, 60}, kWhite);
  for (size_t i = 0; i < two.pixels.size(); ++i) two.pixels[i] |= other.pixels[i];
  image("val/label/val_1.png", two);
  EXPECT_EQ(converted().source, "levir-cd");
  const auto val = pairs("val");
  ASSERT_EQ(val.size(), 2U);
  EXPECT_EQ(val[0].uid, "val_1_w1");
  EXPECT_THAT(val[0].captions[1], HasSubstr("building"));
  expect_trains("val");
}

TEST_F(MaskSources, PartsOfASetWithoutSplitsAreReadWhereTheSourceIsNamed) {
  pair("A/1.png", "B/1.png", 64);
  image("label/1.png", label(64, {0, 0, 30, 30}, kWhite));
  EXPECT_EQ(recognise_source(folder_ / "in"), "folders");
  converted("levir-cd");
  EXPECT_EQ(pairs("train")[0].uid, "train_1");
  EXPECT_THAT(pairs("train")[0].captions[0], HasSubstr("building"));
}

TEST_F(MaskSources, SecondTellsClassesInColourAndInNumbers) {
  for (const auto* name : {"1", "2"})
    pair(fmt::format("train/im1/{}.png", name), fmt::format("train/im2/{}.png", name));
  const Window box{30, 30, 120, 120};
  image("train/label1/1.png", label(256, box, {0, 128, 0}, kWhite));
  image("train/label2/1.png", label(256, box, {128, 0, 0}, kWhite));
  image("train/label1/2.png", label(256, box, {3, 3, 3}));
  image("train/label2/2.png", label(256, box, {5, 5, 5}));
  const auto summary = converted();
  EXPECT_EQ(summary.source, "second");
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{2, 8, 2, 0}));
  const auto train = pairs("train");
  for (const auto& each : train) {
    EXPECT_THAT(each.captions[0], HasSubstr("low vegetation"));
    EXPECT_THAT(each.captions[0], HasSubstr("buildings"));
    EXPECT_EQ(image::decode_image(each.classes_before).pixels[static_cast<size_t>(3 * (100 * 256 + 100))], 3);
    EXPECT_EQ(image::decode_image(each.classes_after).pixels[static_cast<size_t>(3 * (100 * 256 + 100))], 5);
    EXPECT_EQ(image::decode_image(each.mask).pixels[0], 0);
  }
  expect_trains("train");
}

TEST_F(MaskSources, SecondSaysThatWhatStaysABuildingIsRebuilt) {
  pair("train/im1/1.png", "train/im2/1.png");
  for (const auto* folder : {"label1", "label2"})
    image(fmt::format("train/{}/1.png", folder), label(256, {30, 30, 120, 120}, {128, 0, 0}, kWhite));
  image("test/im1/2.png");
  EXPECT_EQ(converted().passed_over, 1);
  const auto train = pairs("train");
  for (const auto& caption : train[0].captions)
    EXPECT_THAT(caption,
                ::testing::ContainsRegex("a building (has been rebuilt|is replaced by a new|has been al)"));
}

TEST_F(MaskSources, SecondRefusesLabelsThatDisagree) {
  pair("train/im1/1.png", "train/im2/1.png", 64);
  image("train/label1/1.png", label(64, {1, 2, 9, 9}, {128, 0, 0}, kWhite));
  image("train/label2/1.png", label(64, {1, 3, 9, 9}, {0, 0, 255}, kWhite));
  EXPECT_EQ(error_of([&] { converted(); }),
            in("train/label1/1.png").string() +
                ": label1 and label2: expected the same pixels marked as changed in both, got 18 pixels "
                "marked in only one, the first in row 1, column 2 (classes 5 and 0)");
}

TEST_F(MaskSources, LabelsOfZeroAndOneAreMasks) {
  pair("train/time1/1.png", "train/time2/1.png");
  image("train/label/1.png", label(256, {0, 0, 200, 200}, {1, 1, 1}));
  EXPECT_EQ(converted().splits.at("train"), (SplitCounts{1, 5, 1, 0}));
}

TEST_F(MaskSources, LabelsOfOtherValuesAreRefused) {
  pair("train/time1/1.png", "train/time2/1.png");
  const auto error = [&](uint8_t value, const char* name) {
    image(name, label(256, {2, 5, 200, 200}, {value, value, value}));
    auto text = error_of([&] { converted(); });
    return text;
  };
  for (const int value : {2, 100, 128, 254}) {
    EXPECT_EQ(error(static_cast<uint8_t>(value), "train/label/1.png"),
              in("train/label/1.png").string() +
                  fmt::format(": pixel in row 2, column 5: expected 0 and 255, or 0 and 1, got {}", value));
  }
}

TEST_F(MaskSources, LossyLabelsAreReadByTheirHalves) {
  const auto of = [](uint8_t ground, uint8_t value) {
    return binary_map({label(8, {0, 0, 4, 8}, {value, value, value}, {ground, ground, ground}), true});
  };
  EXPECT_EQ(of(9, 240).kinds, binary_map({label(8, {0, 0, 4, 8}, kWhite)}).kinds);
  EXPECT_EQ(of(0, 12).kinds, std::vector<uint8_t>(64, 0));
  EXPECT_THAT(error_of([&] { of(0, 100); }),
              HasSubstr("row 0, column 0: expected 0 and 255, or 0 and 1, got 100"));
}

TEST_F(MaskSources, ImagesWithoutALabelAreRefused) {
  for (const auto* name : {"1", "2"})
    pair(fmt::format("train/time1/{}.png", name), fmt::format("train/time2/{}.png", name), 64);
  image("train/label/1.png", label(64, {0, 0, 30, 30}, kWhite));
  EXPECT_THAT(error_of([&] { converted(); }),
              ::testing::StartsWith(in("train/label/2.png").string() + ": cannot be opened"));
  auto skip = options();
  skip.on_error = OnError::kSkip;
  EXPECT_EQ(convert(skip).left_out, 1);
}

TEST_F(MaskSources, WholePairsAreOfTheirLabelsSize) {
  pair("train/time1/1.png", "train/time2/1.png", 64);
  image("train/label/1.png", label(32, {0, 0, 30, 30}, kWhite));
  EXPECT_EQ(error_of([&] { converted(); }),
            fmt::format("{0}: mask: expected 64 x 64 pixels, as {1} has, got 32 x 32 pixels of {0}",
                        in("train/label/1.png").string(), in("train/time1/1.png").string()));
  auto trusting = options();
  trusting.check_images = false;
  EXPECT_EQ(convert(trusting).splits.at("train").pairs, 1);
}

/// One pair that is cut around a small change.
class Crops : public MaskSources {
 protected:
  void SetUp() override {
    pair("train/time1/1.png", "train/time2/1.png");
    image("train/label/1.png", label(256, {10, 10, 40, 40}, kWhite));
  }
  std::string crop() const { return content("crops/A/train/train_1.png"); }
};

TEST_F(Crops, OfAFailedConversionAreNotThere) {
  converted();
  const auto before = crop();
  pair("train/time1/2.png", "train/time2/2.png");
  image("train/label/1.png", label(256, {200, 200, 40, 40}, kWhite));
  image("train/label/2.png", label(256, {10, 10, 40, 40}, {7, 7, 7}));
  EXPECT_THAT(error_of([&] { convert(replacing()); }), HasSubstr("got 7"));
  EXPECT_EQ(crop(), before);
  EXPECT_THAT(written(), ElementsAre("conversion.json", "crops", "maps", "train.json"));
}

TEST_F(Crops, OfAnEarlierConversionGo) {
  converted();
  ASSERT_TRUE(is_written("crops/A/train/train_1.png"));
  auto whole = replacing();
  whole.crops.enabled = false;
  convert(whole);
  EXPECT_FALSE(is_written("crops"));
  EXPECT_FALSE(is_written("maps"));
  convert(replacing());
  fs::remove(folder_ / "in/train/time1/1.png");
  pair("val/time1/1.png", "val/time2/1.png");
  image("val/label/1.png", label(256, {10, 10, 40, 40}, kWhite));
  fs::remove_all(folder_ / "in/train");
  convert(replacing());
  EXPECT_FALSE(is_written("crops/A/train"));
  EXPECT_TRUE(is_written("crops/A/val/val_1.png"));
}

TEST_F(Crops, OfOthersStay) {
  folder_.write("out/crops", "a file");
  EXPECT_THAT(
      error_of([&] { convert(replacing()); }),
      HasSubstr("out/crops: expected a folder written by an earlier conversion, got one not listed in"));
  EXPECT_TRUE(is_written("crops"));
}

TEST_F(MaskSources, ChangeSimReadsItsPaletteAndSequences) {
  const std::string sequence = "Query_Seq_Test/Warehouse_6/Seq_0_dust/";
  for (const auto* name : {"2", "10"})
    pair(sequence + "t0/rgb/" + name + ".png", sequence + "rgb/" + name + ".png");
  image(sequence + "change_segmentation/2.png", label(256, {0, 0, 100, 100}, {41, 36, 132}));
  image(sequence + "change_segmentation/10.png", label(256, {0, 0, 100, 100}, {81, 38, 0}));
  EXPECT_EQ(converted().source, "changesim");
  const auto test = pairs("test");
  ASSERT_EQ(test.size(), 2U);
  EXPECT_EQ(test[0].uid, "Warehouse_6-Seq_0_dust-2");
  EXPECT_EQ(test[0].before.lexically_normal(), in(sequence + "t0/rgb/2.png"));
  EXPECT_EQ(test[0].captions.size(), 3U);
  EXPECT_THAT(test[0].captions[0], ::testing::ContainsRegex("missing|removed|disappear"));
  EXPECT_THAT(test[1].captions[0], ::testing::ContainsRegex("added|appears|new"));
  expect_trains("test");
}

TEST_F(MaskSources, BadLabelsAndSizesNameTheFile) {
  pair("train/im1/1.png", "train/im2/1.png", 64);
  image("train/label1/1.png", label(64, {1, 1, 9, 9}, {1, 2, 3}, kWhite));
  image("train/label2/1.png", label(64, {1, 1, 9, 9}, {128, 0, 0}, kWhite));
  EXPECT_EQ(error_of([&] { converted(); }),
            in("train/label1/1.png").string() +
                ": pixel in row 1, column 1: expected a colour of the set's palette, got (1, 2, 3)");
  image("train/label1/1.png", label(64, {1, 1, 5, 5}, {0, 0, 255}, kWhite));
  image("train/label2/1.png", label(64, {1, 1, 5, 5}, {128, 0, 0}, kWhite));
  image("train/im2/1.png", test::noise(60, 64, 3));
  auto small = options();
  small.crops.least_side = 16;
  EXPECT_EQ(error_of([&] { convert(small); }),
            in("train/label1/1.png").string() + ": " + in("train/im2/1.png").string() +
                ": expected 64 x 64 pixels, as in its label, got 64 x 60 pixels");
}

TEST_F(MaskSources, WordingIsOfTheSeed) {
  pair("train/time1/1.png", "train/time2/1.png", 64);
  image("train/label/1.png", label(64, {0, 0, 30, 30}, kWhite));
  converted();
  const auto first = pairs("train")[0].captions;
  auto again = options();
  again.overwrite = true;
  again.jobs = 3;
  convert(again);
  EXPECT_EQ(pairs("train")[0].captions, first);
  again.seed = 7;
  convert(again);
  EXPECT_NE(pairs("train")[0].captions, first);
}

}  // namespace
}  // namespace ccexpert::datasets

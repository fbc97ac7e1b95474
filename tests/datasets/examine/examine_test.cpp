// Tests of stats, validate, overlap and view.
#include "datasets/examine/image_hash.h"
#include "datasets/lists/list_fixture.h"
#include "datasets/shared/stats.h"
#include "datasets/shared/validate.h"
#include "datasets/shared/view.h"
#include "datasets/sources/change_map.h"
#include "datasets/words.h"

namespace ccexpert::datasets {
namespace {

class Examined : public Lists {
 protected:
  ValidateSummary validated(const std::vector<fs::path>& lists, ValidateOptions options = {}) {
    problems_.clear();
    options.jobs = 2;
    return validate(lists, options,
                    [&](const Problem& problem) { problems_.push_back(problem.kind + ": " + problem.text); });
  }
  std::vector<std::string> problems_;
};

TEST_F(Examined, WordsAreWithoutMarksAndCase) {
  EXPECT_THAT(words_of(" A house, (built) .  two-storey"), ElementsAre("a", "house", "built", "two-storey"));
}

TEST_F(Examined, StatsCount) {
  images("a", 1);
  images("b", 2, 32);
  const auto list = lines("list.jsonl", {entry("a", 1, {"a house is built .", "a road"}),
                                         entry("b", 0, {"a road"}), entry("c", 1, {"x"})});
  const auto stats = count_stats(list, {.samples = 2});
  EXPECT_EQ(stats.pairs, 3);
  EXPECT_EQ(stats.captions, 4);
  EXPECT_EQ(stats.different_captions, 3);
  EXPECT_EQ(stats.changed, 2);
  EXPECT_EQ(stats.words, 9);
  EXPECT_EQ(stats.lengths, (std::map<int64_t, int64_t>{{1, 1}, {2, 2}, {4, 1}}));
  EXPECT_EQ(stats.vocabulary.front(), std::pair(std::string("a"), int64_t{3}));
  EXPECT_EQ(stats.sizes, (std::map<std::string, int64_t>{{"64 x 64", 1}, {"32 x 32", 1}}));
  EXPECT_EQ(stats.unreadable, 1);
  EXPECT_EQ(stats.samples.size(), 2U);
  EXPECT_THAT(stats_table(stats), HasSubstr("changed                 2 (66.7 %)"));
  const auto json = nlohmann::json::parse(stats_json(stats));
  EXPECT_EQ(json["vocabulary"]["road"], 2);
  EXPECT_EQ(json["captions_per_pair"]["2"], 1);
}

TEST_F(Examined, StatsPageStandsAloneAndEscapes) {
  images("a", 1);
  const auto list = lines("list.jsonl", {entry("a", 1, {"a <b>house</b> & more"})});
  const auto page = stats_html(count_stats(list), "x < y");
  EXPECT_THAT(page, HasSubstr("<title>x &lt; y</title>"));
  EXPECT_THAT(page, HasSubstr("<li>a &lt;b&gt;house&lt;/b&gt; &amp; more</li>"));
  EXPECT_THAT(page, HasSubstr("src=\"data:image/png;base64,iVBOR"));
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, ::testing::Not(HasSubstr("http")));
}

TEST_F(Examined, AThousandThreadsAreEnough) {
  const auto list = lines("list.jsonl", {entry("a", 1, {"a house"})});
  const std::string message = "jobs: expected 0 to 1024 threads, got 1000000000 (0: one for each core)";
  constexpr int64_t kBillion = 1'000'000'000;
  const auto ignore = [](const Problem& /*problem*/) {};
  EXPECT_EQ(test::error_of([&] { count_stats(list, {.jobs = kBillion}); }), message);
  EXPECT_EQ(test::error_of([&] { validate({list}, {.jobs = kBillion}, ignore); }), message);
  EXPECT_EQ(test::error_of([&] { find_overlaps(list, list, {.jobs = kBillion}); }), message);
}

TEST_F(Examined, GoodListsHaveNoProblems) {
  for (const auto* name : {"a", "b", "c"}) images(name, static_cast<uint64_t>(name[0]));
  lines("set/../train.jsonl",
        {entry("a", 1, {"a house is built"}), entry("b", 0, {"no change has occurred"})});
  lines("test.jsonl", {entry("c", 1, {"a road"})});
  const auto summary = validated({folder_.path()});
  EXPECT_EQ(summary.pairs, 3);
  EXPECT_EQ(summary.images, 6);
  EXPECT_THAT(problems_, ElementsAre());
}

TEST_F(Examined, EveryKindOfProblemIsFound) {
  for (const auto* name : {"good", "size", "flag1", "flag0", "same"})
    images(name, std::hash<std::string>()(name));
  image("B/size.png", smooth(32, 5));
  fs::copy_file(folder_ / "A/same.png", folder_ / "B/same.png", fs::copy_options::overwrite_existing);
  folder_.write("A/broken.png", "no image");
  image("B/broken.png", smooth(32, 6));
  const auto list =
      lines("train.jsonl", {entry("good", 1, {"a house"}), entry("good", 1, {"again"}), "{\"uid\": \"e\"}",
                            entry("size", 1, {"a house"}), entry("flag1", 1, {"there is no difference ."}),
                            entry("flag0", 0, {"a house is built"}), entry("same", 1, {"a house"}),
                            entry("broken", 1, {"a house"})});
  const auto summary = validated({list});
  EXPECT_EQ(summary.pairs, 8);
  ASSERT_EQ(problems_.size(), 7U);
  EXPECT_EQ(problems_[0], "repeated: the pair of uid 'good' occurs twice");
  EXPECT_THAT(problems_[1], HasSubstr("line 3: expected a path 'before' (or 'img1_path'), got none"));
  EXPECT_EQ(problems_[2], "size: before and after: expected the same size, got 64 x 64 and 32 x 32");
  EXPECT_THAT(problems_[3], HasSubstr("flag: change_flag is 1, but every caption says that nothing changed"));
  EXPECT_THAT(problems_[4],
              HasSubstr("flag: change_flag is 0, but 1 of 1 captions report a change, such as 'a house"));
  EXPECT_EQ(problems_[5], "same: before and after are the same image, but change_flag is 1");
  EXPECT_THAT(problems_[6], HasSubstr("broken.png: expected a PNG, JPEG"));
}

TEST_F(Examined, FlagsAreHeldAgainstMostCaptions) {
  for (const auto* name : {"a", "b", "c", "d"}) images(name, static_cast<uint64_t>(name[0]));
  const auto list = lines("list.jsonl", {entry("a", 0, {"no difference", "a car left", "a man came"}),
                                         entry("b", 0, {"no difference", "no change", "a car left"}),
                                         entry("c", 1, {"no difference", "no change", "a car left"}),
                                         entry("d", 0, {"nothing was modified"})});
  validated({list});
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_EQ(problems_[0],
            "flag: change_flag is 0, but 2 of 3 captions report a change, such as 'a car left'");
}

TEST_F(Examined, MasksSayWhatFlagsAndCaptionsSay) {
  images("a", 1);
  auto black = smooth(64, 5);
  std::fill(black.pixels.begin(), black.pixels.end(), uint8_t{0});
  image("none.png", black);
  black.pixels[4] = black.pixels[5] = black.pixels[9] = 1;
  image("two.png", black);
  const auto problem = [&](const char* mask, const nlohmann::json& flag, const char* caption) {
    auto pair = nlohmann::json::parse(entry("a", 1, {caption}));
    pair["mask_path"] = mask;
    pair["change_flag"] = flag;
    problems_.clear();
    validated({lines("list.jsonl", {pair.dump()})});
    return problems_.empty() ? std::string() : problems_[0];
  };
  EXPECT_EQ(problem("two.png", 1, "a house"), "");
  EXPECT_EQ(problem("none.png", 0, "no change"), "");
  EXPECT_EQ(problem("two.png", 0, "no change"),
            "mask: change_flag is 0, but the mask marks 2 pixels as changed");
  EXPECT_EQ(problem("none.png", 1, "a house"),
            "mask: change_flag is 1, but the mask marks no pixels as changed");
  EXPECT_EQ(problem("none.png", nullptr, "a house"),
            "mask: most captions report a change, but the mask marks no pixels as changed");
  EXPECT_EQ(problem("two.png", nullptr, "no change"),
            "mask: most captions say that nothing changed, but the mask marks 2 pixels as changed");
}

TEST_F(Examined, MapsAreOfTheImagesSize) {
  images("a", 1);
  image("mask.png", smooth(32, 5));
  auto with_maps = nlohmann::json::parse(entry("a", 1, {"a house"}));
  with_maps["mask_path"] = "mask.png";
  with_maps["classes1_path"] = "mask.png";
  with_maps["classes2_path"] = "A/a.png";
  validated({lines("list.jsonl", {with_maps.dump()})});
  EXPECT_THAT(problems_,
              ElementsAre("size: mask: expected 64 x 64, as in before, got 32 x 32",
                          "size: class map of before: expected 64 x 64, as in before, got 32 x 32"));
}

TEST_F(Examined, HeldOutAreListsWithThatWord) {
  images("a", 1);
  std::vector<fs::path> lists;
  for (const auto* name :
       {"latest_train.jsonl", "interval.jsonl", "my-test2.jsonl", "LevirVal.jsonl", "RSCCTest.jsonl"})
    lists.push_back(lines(name, {entry("a", 1, {"a house"})}));
  const auto summary = validated(lists);
  EXPECT_THAT(summary.held_out, ElementsAre(lists[2], lists[3], lists[4]));
  EXPECT_EQ(summary.kinds, (std::map<std::string, int64_t>{{"leak-name", 2}}));
}

TEST_F(Examined, ListsWithoutCaptionsAreToBeCaptionedYet) {
  images("a", 1);
  image("A/b.png", smooth(64, 7));
  const auto list = lines("list.jsonl", {entry("a", 1, {}), entry("b", 1, {})});
  const auto summary = validated({list});
  EXPECT_EQ(summary.images, 4);
  EXPECT_THAT(summary.without_captions, ElementsAre(list));
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_THAT(problems_[0], HasSubstr("B/b.png: cannot be opened"));
  images("b", 2);
  validated({lines("list.jsonl", {entry("a", 1, {}), entry("b", 1, {"a house"})})});
  EXPECT_THAT(
      problems_,
      ElementsAre("entry: change_caption: expected a caption, as for other pairs of the list, got none"));
}

TEST_F(Examined, OverlapNamesWhatItCouldNotRead) {
  images("a", 1);
  images("b", 2);
  folder_.write("A/c.png", "no image");
  const auto list = lines("list.jsonl", {entry("a", 1, {"x y"}), entry("c", 1, {"x y"})});
  const auto report = find_overlaps(list, lines("test.jsonl", {entry("b", 1, {"x y"})}), {.jobs = 2});
  EXPECT_THAT(report.unreadable_uids, ElementsAre("c"));
  EXPECT_EQ(nlohmann::json::parse(overlap_json(report))["unreadable_uids"][0], "c");
}

TEST_F(Examined, TestPairsInTrainAreFoundByNameAndByLooks) {
  images("held", 1);
  images("clean", 2);
  // The same pair, brighter and with another name.
  for (const auto* folder : {"A/", "B/"}) {
    auto pixels = image::decode_image(folder_ / (std::string(folder) + "held.png"));
    for (auto& value : pixels.pixels) value = static_cast<uint8_t>(20 + value * 3 / 4);
    image(std::string(folder) + "copy.png", pixels);
  }
  const auto train = lines("train.jsonl", {entry("clean", 1, {"a house"}), entry("copy", 1, {"a house"}),
                                           entry("held", 1, {"a house"})});
  const auto test = lines("test.jsonl", {entry("held", 1, {"a house"})});
  const auto summary = validated({train, test});
  EXPECT_EQ(summary.kinds, (std::map<std::string, int64_t>{{"leak-image", 1}, {"leak-name", 1}}));
  ASSERT_EQ(problems_.size(), 2U);
  EXPECT_THAT(problems_[0],
              HasSubstr("uid 'copy' looks like the held-out pair of " + test.string() + ": line 1"));
  EXPECT_THAT(problems_[1], HasSubstr("uid 'held' or its images are held out in"));
  validated({train}, {.held_out = {test}});
  EXPECT_EQ(problems_.size(), 2U);
  validated({train, test}, {.leaks = false});
  EXPECT_THAT(problems_, ElementsAre());
}

TEST_F(Examined, OverlapFindsTilesOfLargerImages) {
  images("tile", 1);
  images("other", 9);
  // The pair is the lower right quarter of a larger one.
  for (const auto* folder : {"A/", "B/"}) {
    auto large = smooth(128, folder[0] == 'A' ? 70 : 71);
    const auto small = image::decode_image(folder_ / (std::string(folder) + "tile.png"));
    for (int64_t y = 0; y < 64; ++y) {
      std::copy_n(small.pixels.begin() + 3 * 64 * y, 3 * 64,
                  large.pixels.begin() + 3 * ((64 + y) * 128 + 64));
    }
    image(std::string(folder) + "large.png", large);
  }
  const auto list = lines("large.jsonl", {entry("large", 1, {"x y"}), entry("other", 1, {"x y"})});
  const auto test = lines("test.jsonl", {entry("tile", 1, {"x y"})});
  const auto report = find_overlaps(list, test, {.jobs = 2});
  ASSERT_EQ(report.overlaps.size(), 1U);
  EXPECT_EQ(report.overlaps[0].uid, "large");
  EXPECT_EQ(report.overlaps[0].other_uid, "tile");
  EXPECT_EQ(report.overlaps[0].part, "both");
  EXPECT_EQ(report.overlaps[0].top, 64);
  EXPECT_EQ(report.overlaps[0].left, 64);
  const auto json = nlohmann::json::parse(overlap_json(report));
  EXPECT_EQ(json["overlaps"][0]["uid"], "large");
  EXPECT_EQ(json["other_pairs"], 1);
}

TEST_F(Examined, HashesSeeThroughCompressionAndNotThroughOtherPlaces) {
  const auto image = smooth(256, 3);
  auto noisy = image;
  for (size_t i = 0; i < noisy.pixels.size(); ++i)
    noisy.pixels[i] = static_cast<uint8_t>(std::min<size_t>(255, noisy.pixels[i] + i % 5));
  const auto hash = hash_of(image.view());
  EXPECT_TRUE(look_alike(hash, hash_of(noisy.view()), 12));
  for (uint64_t seed = 10; seed < 60; ++seed)
    EXPECT_FALSE(look_alike(hash, hash_of(smooth(256, seed).view()), 12)) << seed;
  // Two planes without contrast are not the same place.
  const auto flat = [](uint8_t value) {
    return image::Image{64, 64, std::vector<uint8_t>(3 * 64 * 64, value)};
  };
  EXPECT_FALSE(look_alike(hash_of(flat(90).view()), hash_of(flat(120).view()), 12));
  EXPECT_TRUE(look_alike(hash_of(flat(90).view()), hash_of(flat(90).view()), 12));
}

TEST_F(Examined, ContactSheetShowsPairsAndText) {
  for (const auto* name : {"a", "b", "c"}) images(name, static_cast<uint64_t>(name[0]));
  const auto list =
      lines("l.jsonl", {entry("a", 1, {"a house"}),
                        entry("b", 1, {"a long caption that does not fit into one line of a sheet"}),
                        entry("c", 0, {"x y"})});
  const auto sheet = contact_sheet(list, {.pairs = 2, .side = 64});
  EXPECT_EQ(sheet.width, 2 * (2 * 64 + 8 + 16) + 8);
  EXPECT_GT(sheet.height, 64);
  const auto one = contact_sheet(list, {.side = 64, .uid = "a"});
  EXPECT_LT(one.width, sheet.width);
  // The first pixel of the pair's first image follows the margin.
  const auto* pixel = one.pixels.data() + 3 * (8 * one.width + 8);
  EXPECT_EQ(pixel[0], image::decode_image(folder_ / "A/a.png").pixels[0]);
  EXPECT_THAT(error_of([&] { contact_sheet(list, {.uid = "z"}); }),
              HasSubstr("expected a pair 'z', got none"));
  EXPECT_THAT(error_of([&] { contact_sheet(list, {.pairs = 0}); }), HasSubstr("pairs: expected 1 to 500"));
}

}  // namespace
}  // namespace ccexpert::datasets

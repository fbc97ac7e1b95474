// Pages with a card for each changed tile.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "geo/comparing_model.h"
#include "support/browser.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::geo {
namespace {

using namespace test;
using ::testing::HasSubstr;
using ::testing::Not;

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// Draws a date of 64 x 64 pixels, of which the tile at the upper right has its own grey.
std::string draw(const std::filesystem::path& path, double grey) {
  DrawnScene scene;
  scene.value = [grey](int x, int y, int) { return x >= 32 && y < 32 ? grey : 100.0; };
  return write_scene(path, scene);
}

MapOptions options_in(const TemporaryFolder& folder) {
  MapOptions options;
  options.tile = {32.0};
  options.output = folder / "changes.gpkg";
  options.report = folder / "cards.html";
  options.before = draw(folder / "2018.tif", 100);
  options.after = draw(folder / "2019.tif", 200);
  return options;
}

/// Model that compares pixels. The words of its captions speak of one patch each, from the upper left on.
MapModel model_with_words() {
  auto model = comparing_model();
  model.caption = [plain = model.caption](std::span<const ImagePair> pairs) {
    auto captions = plain(pairs);
    for (auto& caption : captions) {
      std::istringstream text(caption.text);
      for (std::string word; text >> word;) {
        image::ChangeMap map{.grid = kGrid, .values = std::vector<float>(kGrid * kGrid, 0.12345F)};
        map.values[caption.words.size()] = 1.0F;
        caption.words.push_back({word, map});
      }
    }
    return captions;
  };
  return model;
}

class MapReport : public ::testing::Test {
 protected:
  std::string page() const { return content(folder_ / "cards.html"); }

  TemporaryFolder folder_;
  MapOptions options_ = options_in(folder_);
};

TEST_F(MapReport, HasACardForEachChangedTile) {
  map_scene(options_, comparing_model());
  EXPECT_EQ(count_of(page(), "class=\"entry\""), 1U);
  EXPECT_EQ(count_of(page(), "type=\"text/plain\" id=\"image"), 2U);
  EXPECT_THAT(page(), HasSubstr("\"uid\":\"tile 1\""));
  EXPECT_THAT(page(), HasSubstr("\"caption\":\"from 100 to 200\""));
  EXPECT_THAT(page(), HasSubstr("\"note\":\"at 45.15"));
  EXPECT_THAT(page(), HasSubstr("\"maps\":\"maps0\""));
  EXPECT_THAT(page(), Not(HasSubstr("\"words\"")));
}

TEST_F(MapReport, HasThePlacesOfWords) {
  options_.words = true;
  map_scene(options_, model_with_words());
  EXPECT_EQ(count_of(page(), "\"words\":[[\"from\",\""), 1U);
  EXPECT_THAT(page(), ::testing::ContainsRegex("\\],\\[\"200\",\"[A-Za-z0-9+/=]{88}\"\\]\\]"));
}

TEST_F(MapReport, KeepsWordsOfItsCardsOnly) {
  options_.words = true;
  options_.threshold = 0.0;
  options_.shard = {2, 2};
  auto model = model_with_words();
  model.says_unchanged = [](const std::string& caption) { return caption == "from 100 to 100"; };
  map_scene(options_, model);
  const auto journal = content(folder_ / "changes.gpkg.shard-2-of-2");
  EXPECT_EQ(count_of(journal, "\"caption\""), 2U);
  EXPECT_EQ(count_of(journal, "\"words\""), 1U);
  options_.words = false;
  options_.resume = true;
  EXPECT_THAT(error_of([&] { map_scene(options_, model); }),
              HasSubstr("expected a journal of the same inputs, options and model, got one of others"));
}

TEST_F(MapReport, TilesOfASeriesArePlaces) {
  options_.series = {{"a", options_.before}, {"b", options_.after}, {"c", draw(folder_ / "2020.tif", 100)}};
  options_.words = true;
  map_scene(options_, model_with_words());
  EXPECT_EQ(count_of(page(), "class=\"entry\""), 4U) << "two steps, around, and the span without a caption";
  EXPECT_EQ(count_of(page(), "type=\"text/plain\" id=\"image"), 3U) << "each date once";
  EXPECT_EQ(count_of(page(), "\"place\":\"tile 1\""), 4U);
  EXPECT_EQ(count_of(page(), "\"transient\":true"), 3U);
  EXPECT_EQ(count_of(page(), "\"words\""), 2U) << "those of the steps";
  EXPECT_THAT(page(), HasSubstr("no caption: the score is below the threshold"));
}

TEST_F(MapReport, AMergedMapHasThePageOfAWholeOne) {
  options_.words = true;
  map_scene(options_, model_with_words());
  const auto whole = page();
  std::filesystem::remove(options_.report);
  options_.output = folder_ / "parts.gpkg";
  for (int64_t i = 1; i <= 2; ++i) {
    options_.shard = {i, 2};
    map_scene(options_, model_with_words());
  }
  EXPECT_EQ(page(), "");
  merge_shards(options_.output, {}, false);
  EXPECT_EQ(page(), whole);
}

TEST_F(MapReport, AResumedMapHasThePageOfAWholeOne) {
  options_.words = true;
  map_scene(options_, model_with_words());
  const auto whole = page();
  options_.batch = 1;
  // The changed tile is the second one.
  for (const int before : {1, 2}) {
    std::filesystem::remove(options_.report);
    options_.output = folder_ / (std::to_string(before) + ".gpkg");
    options_.resume = false;
    std::stop_source stop;
    int done = 0;
    const auto count = [&](int64_t) {
      if (++done == before) stop.request_stop();
    };
    EXPECT_TRUE(map_scene(options_, model_with_words(), {.done = count}, stop.get_token()).interrupted);
    EXPECT_EQ(page(), "");
    options_.resume = true;
    EXPECT_EQ(map_scene(options_, model_with_words()).resumed, before);
    EXPECT_EQ(page(), whole);
  }
}

TEST_F(MapReport, IsNotReplacedUnlessAsked) {
  folder_.write("cards.html", "mine");
  EXPECT_THAT(error_of([&] { map_scene(options_, comparing_model()); }),
              HasSubstr("cards.html: expected no such file yet, got one (--overwrite replaces it)"));
  options_.overwrite = true;
  map_scene(options_, comparing_model());
  EXPECT_THAT(page(), Not(HasSubstr("mine")));
}

class MapReportBrowser : public BrowserTest {};

TEST_F(MapReportBrowser, AWordLightsUpItsPlace) {
  auto options = options_in(folder_);
  options.words = true;
  map_scene(options, model_with_words());
  const auto result = seen(options.report, R"(async function look(result) {
    const words = [...document.querySelectorAll('.word')], stage = document.querySelector('.stage');
    result.words = words.map(each => each.ariaLabel);
    words[2].dispatchEvent(new PointerEvent('pointerenter'));
    result.lit = stage.classList.contains('lit');
    const place = stage.querySelector('.place');
    const row = [...place.getContext('2d').getImageData(0, 0, 8, 1).data].filter((_, i) => i % 4 === 3);
    result.strongest = row.indexOf(Math.max(...row));
    words[2].dispatchEvent(new PointerEvent('pointerleave'));
    result.dark = stage.classList.contains('lit');
  })");
  EXPECT_EQ(result.value("errors", nlohmann::json("none")), nlohmann::json::array()) << result.dump();
  EXPECT_EQ(result["words"],
            nlohmann::json({"from, strongest at the upper left", "100, strongest at the upper left",
                            "to, strongest at the upper left", "200, strongest at the upper edge"}));
  EXPECT_EQ(result["lit"], true);
  EXPECT_EQ(result["strongest"], 2);
  EXPECT_EQ(result["dark"], false);
}

}  // namespace
}  // namespace ccexpert::geo

// Pages with a card for each changed tile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "geo/comparing_model.h"
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

/// Dates of 64 x 64 pixels, of which the tile at the upper right has another grey from date to date.
class MapReport : public ::testing::Test {
 protected:
  MapReport() {
    options_.tile = {32.0};
    options_.output = folder_ / "changes.gpkg";
    options_.report = folder_ / "cards.html";
    options_.before = draw("2018.tif", 100);
    options_.after = draw("2019.tif", 200);
  }

  std::string draw(const char* name, double grey) const {
    DrawnScene scene;
    scene.value = [grey](int x, int y, int) { return x >= 32 && y < 32 ? grey : 100.0; };
    return write_scene(folder_ / name, scene);
  }
  std::string page() const { return content(folder_ / "cards.html"); }

  TemporaryFolder folder_;
  MapOptions options_;
};

TEST_F(MapReport, HasACardForEachChangedTile) {
  map_scene(options_, comparing_model());
  EXPECT_EQ(count_of(page(), "class=\"entry\""), 1U);
  EXPECT_EQ(count_of(page(), "type=\"text/plain\" id=\"image"), 2U);
  EXPECT_THAT(page(), HasSubstr("\"uid\":\"tile 1\""));
  EXPECT_THAT(page(), HasSubstr("\"caption\":\"from 100 to 200\""));
  EXPECT_THAT(page(), HasSubstr("\"note\":\"at 45.15"));
  EXPECT_THAT(page(), HasSubstr("\"maps\":\"maps0\""));
}

TEST_F(MapReport, TilesOfASeriesArePlaces) {
  options_.series = {{"a", options_.before}, {"b", options_.after}, {"c", draw("2020.tif", 100)}};
  map_scene(options_, comparing_model());
  EXPECT_EQ(count_of(page(), "class=\"entry\""), 4U) << "two steps, around, and the span without a caption";
  EXPECT_EQ(count_of(page(), "type=\"text/plain\" id=\"image"), 3U) << "each date once";
  EXPECT_EQ(count_of(page(), "\"place\":\"tile 1\""), 4U);
  EXPECT_EQ(count_of(page(), "\"transient\":true"), 3U);
  EXPECT_THAT(page(), HasSubstr("no caption: the score is below the threshold"));
}

TEST_F(MapReport, AMergedMapHasThePageOfAWholeOne) {
  map_scene(options_, comparing_model());
  const auto whole = page();
  std::filesystem::remove(options_.report);
  options_.output = folder_ / "parts.gpkg";
  for (int64_t i = 1; i <= 2; ++i) {
    options_.shard = {i, 2};
    map_scene(options_, comparing_model());
  }
  EXPECT_EQ(page(), "");
  merge_shards(options_.output, {}, false);
  EXPECT_EQ(page(), whole);
}

TEST_F(MapReport, AResumedMapHasThePageOfAWholeOne) {
  map_scene(options_, comparing_model());
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
    EXPECT_TRUE(map_scene(options_, comparing_model(), {.done = count}, stop.get_token()).interrupted);
    EXPECT_EQ(page(), "");
    options_.resume = true;
    EXPECT_EQ(map_scene(options_, comparing_model()).resumed, before);
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

}  // namespace
}  // namespace ccexpert::geo

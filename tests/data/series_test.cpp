#include "data/shared/series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::data {
namespace {

using test::error_of;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

std::vector<std::string> dates_of(const Place& place) {
  std::vector<std::string> dates;
  for (const auto& each : place.dates) dates.push_back(each.date);
  return dates;
}

TEST(Series, AFolderIsOnePlaceInTheOrderOfItsNames) {
  const TemporaryFolder folder;
  for (const char* name :
       {"t10.png", "t9.png", "t09.png", "a.tif", "A.tif", "._t1.png", "notes.txt", "a.png"})
    folder.write(std::string("harbour/") + name, "");
  const auto series = read_series(folder / "harbour");
  ASSERT_EQ(series.places.size(), 1U);
  EXPECT_EQ(series.places[0].name, "harbour");
  EXPECT_THAT(dates_of(series.places[0]), ElementsAre("A", "a.png", "a.tif", "t09", "t9", "t10"));
  EXPECT_EQ(series.places[0].dates[5].image, folder / "harbour/t10.png");
  EXPECT_EQ(read_series(folder / "harbour/").places[0].name, "harbour");
}

TEST(Series, AFolderOfFoldersIsAPlaceForEach) {
  const TemporaryFolder folder;
  for (const char* name : {"p10/1.png", "p10/2.png", "p9/1.png", "p9/2.png", "one/1.png", "empty/x.txt"})
    folder.write(name, "");
  const auto series = read_series(folder.path());
  ASSERT_EQ(series.places.size(), 2U);
  EXPECT_EQ(series.places[0].name, "p9");
  EXPECT_EQ(series.places[1].name, "p10");
  EXPECT_THAT(series.left_out, ElementsAre("empty", "one"));
}

TEST(Series, ListsNamePlacesAndDates) {
  const TemporaryFolder folder;
  const auto csv =
      folder.write("l.csv", "place,date,image\nb,2018,x/1.png\na,2017,y.png\nb,2020,x/2.png\na,2019,z.png\n");
  const auto json = folder.write("l.jsonl",
                                 "{\"place\":\"b\",\"date\":2018,\"image\":\"x/1.png\"}\n"
                                 "{\"place\":\"a\",\"date\":\"2017\",\"image\":\"y.png\"}\n"
                                 "{\"place\":\"b\",\"date\":\"2020\",\"image\":\"x/2.png\"}\n"
                                 "{\"place\":\"a\",\"date\":\"2019\",\"image\":\"z.png\"}\n");
  const auto text = folder.write("town.txt", "x/1.png\r\n\nx/2.png");
  const std::vector<Place> expected{{"b", {{"2018", folder / "x/1.png"}, {"2020", folder / "x/2.png"}}},
                                    {"a", {{"2017", folder / "y.png"}, {"2019", folder / "z.png"}}}};
  EXPECT_EQ(read_series(csv).places, expected);
  EXPECT_EQ(read_series(json).places, expected);
  const std::vector<Place> town{{"town", {{"1", "/r/x/1.png"}, {"2", "/r/x/2.png"}}}};
  EXPECT_EQ(read_series(text, "/r").places, town);
}

TEST(Series, WrongInputIsOneSentence) {
  const TemporaryFolder folder;
  const auto error = [&](const std::string& name) { return error_of([&] { read_series(folder / name); }); };
  folder.write("mixed/1.png", "");
  folder.write("mixed/sub/1.png", "");
  folder.write("one/1.png", "");
  folder.write("twice.csv", "image,date\na.png,1\nb.png,1\n");
  folder.write("other.csv", "before,after\na.png,b.png\n");
  folder.write("other.txt", "a.png\nsome text\n");
  folder.write("other.json", R"([{"date": "1"}])");
  EXPECT_THAT(error("mixed"),
              EndsWith("mixed: expected the images of one place, or a folder for each place, got 1 "
                       "images and 1 folders"));
  EXPECT_THAT(error("one"), EndsWith("one: expected at least two images of a place, got at most one of one"));
  EXPECT_THAT(error("twice.csv"),
              EndsWith("twice.csv: place twice: has the date 1 twice (give each image of a place its "
                       "own date)"));
  EXPECT_THAT(error("other.csv"),
              HasSubstr("other.csv: expected JSON, JSON Lines, CSV with a header line that names "
                        "image, or an image on each line, got 'before,after'"));
  EXPECT_THAT(error("other.txt"), HasSubstr("other.txt: line 2: expected JSON"));
  EXPECT_THAT(error("other.json"), HasSubstr("image: expected the path of an image, got none"));
  EXPECT_THAT(error("none"), HasSubstr("none: "));
}

}  // namespace
}  // namespace ccexpert::data

// Tool map_changes, with a maker that needs no GDAL.
#include <gmock/gmock.h>

#include "serve/map_folder.h"
#include "serve/server_fixture.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::serve::test {
namespace {

namespace fs = std::filesystem;
using ccexpert::test::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(MapFolder, FindsFilesBelowItAlone) {
  const TemporaryFolder folder;
  fs::create_directories(folder / "scenes/2018");
  folder.write("scenes/2018/north.tif", "x");
  folder.write("scenes/.hidden.tif", "x");
  const auto outside = folder.write("outside.tif", "x");
  fs::create_symlink(outside, folder / "scenes/link.tif");
  fs::create_directory_symlink(folder.path(), folder / "scenes/up");
  fs::create_symlink("2018/north.tif", folder / "scenes/inside.tif");
  fs::create_directory(folder / "scenes-2");
  folder.write("scenes-2/a.tif", "x");
  const MapFolder scenes(folder / "scenes");
  EXPECT_EQ(scenes.file("2018/north.tif", "before"), scenes.root() / "2018/north.tif");
  EXPECT_EQ(scenes.file("inside.tif", "before"), scenes.root() / "2018/north.tif");
  for (const std::string name :
       {"", ".", "..", "../outside.tif", "2018/../2018/north.tif", "link.tif", "up/outside.tif", "2018",
        ".hidden.tif", "../scenes-2/a.tif", "none.tif", "/etc/passwd", "/vsicurl/http://example.org/a.tif",
        "2018//north.tif/", "vrt:///etc/passwd"}) {
    const auto told = ccexpert::test::error_of([&] { scenes.file(name, "before"); });
    EXPECT_THAT(told, HasSubstr("before: expected the name of a file in the server's folder of maps"))
        << name;
    EXPECT_THAT(told, Not(HasSubstr(folder.path().string())));
  }
  EXPECT_THAT(ccexpert::test::error_of([&] { scenes.file(outside.string(), "after"); }),
              HasSubstr("after: expected"));
  EXPECT_THAT(ccexpert::test::error_of([&] { scenes.file(std::string("a\0b", 3), "after"); }),
              HasSubstr("after: expected"));
  EXPECT_EQ(scenes.shown(scenes.root().string() + "/a.tif: has no position"), "a.tif: has no position");
  EXPECT_EQ(
      scenes.shown(scenes.root().string() + "/a.vrt: cannot be read (/srv/store 2/b.tif: No such file)"),
      "a.vrt: cannot be read");
  EXPECT_EQ(scenes.shown("/srv/b.tif: No such file"), "a file of the server cannot be used");
  // GDAL 3.6 quotes so.
  EXPECT_EQ(scenes.shown("a.vrt: cannot be read (`/srv/b.tif' not recognized as a supported file format.)"),
            "a.vrt: cannot be read");
  for (const char* before : {"<", "[", "file://", "source=", "|"})
    EXPECT_EQ(scenes.shown(fmt::format("a.vrt: {}/srv/b.tif", before)).find("/srv"), std::string::npos)
        << before;
  EXPECT_EQ(scenes.shown("2018/n\u00f6rd/a.tif: 5/6 of ../b"), "2018/n\u00f6rd/a.tif: 5/6 of ../b");
  EXPECT_EQ(scenes.shown("2018/north.tif: expected 1 / 2 of http://a.b/c"),
            "2018/north.tif: expected 1 / 2 of http://a.b/c");
  EXPECT_EQ(MapFolder("/").shown("8-bit and/or 16-bit bands: cannot be read"),
            "8-bit and/or 16-bit bands: cannot be read");
  EXPECT_THAT(ccexpert::test::error_of([&] { MapFolder(folder / "none"); }),
              HasSubstr("--map-root: expected"));
}

/// Map of two tiles with two changes.
MadeMap made_map() {
  const auto feature = [](double score, double west) {
    return json{{"type", "Feature"},
                {"properties", {{"tile", 0}, {"caption", "a road ."}, {"score", score}, {"area_m2", 50.4}}},
                {"geometry",
                 {{"type", "Polygon"},
                  {"coordinates", {{{west, 1.0}, {west + 1, 1.0}, {west + 1, 2.0}, {west, 1.0}}}}}}};
  };
  const json changes{{"type", "FeatureCollection"},
                     {"name", "changes"},
                     {"features", {feature(0.5, 10.0), feature(0.75, 20.0)}}};
  const json summary{{"before", "/secret/a.tif"},
                     {"threshold", 0.5},
                     {"tiles", {{"all", 2}, {"captioned", 2}, {"below_threshold", 0}, {"failed", 0}}},
                     {"captioned_area_m2", 9.0},
                     {"changed_areas", 2},
                     {"changed_area_m2", 100.8},
                     {"errors", json::array()}};
  return {summary.dump(), changes.dump()};
}

class MapToolRoute : public ServerTest {
 protected:
  MapToolRoute() {
    folder_.write("a.tif", "x");
    folder_.write("b.tif", "x");
    maker.root = folder_.path();
    maker.limits.map_changes = 1;
    maker.scenes = [](const fs::path& root) { return std::vector{root / "a.tif", root / "b.tif"}; };
    maker.make = [this](const AskedMap& asked, const TileModel& tiles, const std::stop_token& stop) {
      ++made_;
      asked_ = asked;
      const image::Image grey{2, 2, std::vector<uint8_t>(12, 60)};
      const std::vector<ImagePair> pairs(2, ImagePair{grey.view(), grey.view()});
      located_ = tiles.locate(pairs);
      captions_ = tiles.caption(pairs);
      stopped_ = stop.stop_requested();
      return stopped_ ? MadeMap() : made_map();
    };
  }
  void start_maps() {
    config.port = 0;
    app = std::make_unique<App>(config, limits, "9.9");
    auto made = std::make_unique<FakeCaptions>();
    model = made.get();
    app->take(std::move(made));
    app->allow_maps(maker);
    app->start();
  }
  json call(const json& arguments) {
    const auto result = post("/mcp", {{"jsonrpc", "2.0"},
                                      {"id", 3},
                                      {"method", "tools/call"},
                                      {"params", {{"name", "map_changes"}, {"arguments", arguments}}}});
    return json::parse(result->body);
  }
  std::string refusal(const json& arguments) {
    const auto answer = call(arguments)["result"];
    EXPECT_EQ(answer["isError"], true) << answer;
    return answer["content"][0]["text"];
  }

  const TemporaryFolder folder_;
  MapMaker maker;
  std::atomic<int> made_ = 0;  ///< maps
  AskedMap asked_;
  std::vector<LocatedChange> located_;
  std::vector<Caption> captions_;
  bool stopped_ = false;
};

TEST_F(MapToolRoute, IsThereIfTheServerHasAFolder) {
  start();
  EXPECT_EQ(call({{"before", "a.tif"}})["error"]["code"], -32602);
  app.reset();
  start_maps();
  const auto result = post("/mcp", {{"jsonrpc", "2.0"}, {"id", 1}, {"method", "tools/list"}});
  const auto tools = json::parse(result->body)["result"]["tools"];
  ASSERT_EQ(tools.size(), 2);
  EXPECT_EQ(tools[1]["name"], "map_changes");
  EXPECT_THAT(tools[1]["description"], HasSubstr("At most 256 tiles. Rasters: a.tif, b.tif"));
}

TEST_F(MapToolRoute, AnswersWithTheHighestChanges) {
  start_maps();
  const auto answer = call({{"before", "a.tif"},
                            {"after", "b.tif"},
                            {"tile", "128m"},
                            {"threshold", 0.25},
                            {"bounds", {1, 2, 3, 4.5}},
                            {"question", "Which roads?"}})["result"];
  ASSERT_EQ(answer["isError"], false) << answer;
  const auto& found = answer["structuredContent"];
  EXPECT_EQ(found["changes"]["features"].size(), 1);
  EXPECT_EQ(found["changes"]["features"][0]["properties"]["score"], 0.75);
  EXPECT_EQ(found["left_out"], 1);
  EXPECT_EQ(found["summary"]["before"], "a.tif");
  EXPECT_EQ(found["summary"]["changed_area_m2"], 100.8);
  EXPECT_EQ(answer["content"][0]["text"],
            "2 changes on 101 m2 of ground in 2 tiles.\nLongitude, latitude of the middle:\n"
            "20.50000, 1.50000: a road . (score 0.75, 50 m2)\n");
  EXPECT_THAT(answer.dump(), Not(HasSubstr("secret")));
  EXPECT_EQ(asked_.before, fs::canonical(folder_ / "a.tif"));
  EXPECT_EQ(asked_.tile, "128m");
  EXPECT_EQ(asked_.threshold, 0.25);
  EXPECT_EQ(asked_.bounds.value()[3], 4.5);
  EXPECT_EQ(asked_.most_tiles, 256);
  ASSERT_EQ(located_.size(), 2);
  EXPECT_EQ(located_[1].score, 0.75);
  ASSERT_EQ(captions_.size(), 2);
  EXPECT_EQ(captions_[1].text, "a road .");
  EXPECT_FALSE(captions_[1].change);
  EXPECT_THAT(app->metrics().text(), HasSubstr("ccexpert_captions_total{finish=\"place\"} 2\n"));
  const auto job = model->last_job();
  EXPECT_EQ(job.request.question, "Which roads?");
  EXPECT_EQ(job.pair->after.pixels.front(), 60);
}

TEST_F(MapToolRoute, RefusesOtherArguments) {
  start_maps();
  const json good{{"before", "a.tif"}, {"after", "b.tif"}};
  const auto with = [&](const char* key, const json& value) {
    auto changed = good;
    changed[key] = value;
    return refusal(changed);
  };
  EXPECT_THAT(with("before", "../a.tif"), HasSubstr("before: expected the name of a file"));
  EXPECT_EQ(with("before", "/etc/passwd"),
            "before: expected the name of a file in the server's folder of maps, got /etc/passwd (names are "
            "relative to it, as 2018/north.tif)")
      << "the client's own words are no path of the machine";
  EXPECT_THAT(with("after", 3), HasSubstr("after: expected a string, got 3"));
  EXPECT_THAT(with("threshold", 2), HasSubstr("threshold: expected a number from 0 to 1, got 2"));
  EXPECT_THAT(with("bounds", {3, 2, 1, 4}), HasSubstr("west below east"));
  EXPECT_THAT(with("bounds", {1, 2}), HasSubstr("bounds: expected west, south, east and north"));
  EXPECT_THAT(with("max_changes", 0), HasSubstr("max_changes"));
  EXPECT_THAT(with("output", "x.gpkg"), HasSubstr("output: expected before, after, tile"));
  EXPECT_THAT(with("question", std::string(9000, 'x')), HasSubstr("question: expected at most 8192 bytes"));
  EXPECT_EQ(made_, 0);
}

TEST_F(MapToolRoute, ErrorsHaveNoPathOfTheMachine) {
  maker.make = [](const AskedMap& asked, const TileModel&, const std::stop_token&) -> MadeMap {
    throw Error(asked.before.string() + ": has no position");
  };
  start_maps();
  EXPECT_EQ(refusal({{"before", "a.tif"}, {"after", "b.tif"}}), "a.tif: has no position");
}

TEST_F(MapToolRoute, FailedTilesAreNotTakenForUnchangedGround) {
  maker.make = [](const AskedMap&, const TileModel&, const std::stop_token&) {
    auto made = made_map();
    auto summary = json::parse(made.summary);
    summary["tiles"] = {{"all", 2}, {"captioned", 1}, {"below_threshold", 0}, {"failed", 1}};
    summary["errors"] = json::array({{{"tile", 1}, {"error", "the tile is odd"}}});
    made.summary = summary.dump();
    return made;
  };
  start_maps();
  const auto part = call({{"before", "a.tif"}, {"after", "b.tif"}})["result"];
  EXPECT_EQ(part["isError"], false);
  EXPECT_THAT(part["content"][0]["text"].get<std::string>(),
              HasSubstr("\n1 tile failed, and nothing is known of the ground there: the tile is odd\n"));
  maker.make = [make = maker.make](const AskedMap& asked, const TileModel& tiles,
                                   const std::stop_token& stop) {
    auto made = make(asked, tiles, stop);
    auto summary = json::parse(made.summary);
    summary["tiles"] = {{"all", 2}, {"captioned", 0}, {"below_threshold", 0}, {"failed", 2}};
    made.summary = summary.dump();
    return made;
  };
  app.reset();
  start_maps();
  EXPECT_EQ(call({{"before", "a.tif"}, {"after", "b.tif"}})["result"]["isError"], true);
}

TEST_F(MapToolRoute, AnErrorOfTheModelEndsTheMap) {
  start_maps();
  model->fail = [] { throw Error("the pair is odd"); };
  EXPECT_EQ(refusal({{"before", "a.tif"}, {"after", "b.tif"}}), "the pair is odd");
  EXPECT_TRUE(stopped_);
  EXPECT_EQ(located_.size(), 0);
}

TEST_F(MapToolRoute, DeadlineAndLeavingClientsEndTheMap) {
  maker.limits.map_timeout = 0.2;
  start_maps();
  model->waits = true;
  EXPECT_THAT(refusal({{"before", "a.tif"}, {"after", "b.tif"}}), HasSubstr("not complete in time"));
  EXPECT_TRUE(stopped_);
  EXPECT_EQ(model->cancellations, 2);
}

TEST_F(MapToolRoute, TilesTakeMemoryOfPixelsOneAfterAnother) {
  maker.limits.map_timeout = 0.3;
  limits.max_decoded = 30;
  start_maps();
  model->drops_pairs = true;
  const json arguments{{"before", "a.tif"}, {"after", "b.tif"}};
  // A tile of two images of 2 x 2 pixels has 24 bytes.
  auto others = std::make_optional(app->pixels().take(7, [] {}));
  EXPECT_THAT(refusal(arguments), HasSubstr("not complete in time"));
  others.reset();
  app.reset();
  maker.limits.map_timeout = 30;
  start_maps();
  model->drops_pairs = true;
  EXPECT_EQ(call(arguments)["result"]["isError"], false);
  EXPECT_EQ(app->pixels().held(), 0);
}

TEST_F(MapToolRoute, AFullQueueIsWaitedFor) {
  start_maps();
  model->full = true;
  std::thread room([this] {
    std::this_thread::sleep_for(150ms);
    model->full = false;
  });
  EXPECT_EQ(call({{"before", "a.tif"}, {"after", "b.tif"}})["result"]["isError"], false);
  room.join();
}

TEST_F(MapToolRoute, OneMapIsMadeAtATime) {
  std::atomic<bool> go = false, entered = false;
  maker.make = [&](const AskedMap&, const TileModel&, const std::stop_token&) {
    entered = true;
    while (!go) std::this_thread::sleep_for(2ms);
    return made_map();
  };
  start_maps();
  const json arguments{{"before", "a.tif"}, {"after", "b.tif"}};
  json first;
  std::thread other([&] { first = call(arguments); });
  while (!entered) std::this_thread::sleep_for(2ms);
  EXPECT_THAT(refusal(arguments), HasSubstr("another map is being made"));
  go = true;
  other.join();
  EXPECT_EQ(first["result"]["isError"], false);
}

}  // namespace
}  // namespace ccexpert::serve::test

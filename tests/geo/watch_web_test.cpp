// Watches over STAC catalogues, and webhooks, on this machine's loopback.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "geo/http.h"
#include "geo/watch_fixture.h"
#include "geo/web_server.h"
#include "support/errors.h"

namespace ccexpert::geo {
namespace {

using namespace test;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Addresses, AreResolvedAgainstTheirDocument) {
  EXPECT_EQ(resolved("/data/stac/catalog.json", "./2019/item.json"), "/data/stac/2019/item.json");
  EXPECT_EQ(resolved("/data/stac/2019/item.json", "../../a.tif"), "/data/a.tif");
  EXPECT_EQ(resolved("/data/catalog.json", "/other/a.tif"), "/other/a.tif");
  EXPECT_EQ(resolved("/data/lot#1?/catalog.json", "./a.tif"), "/data/lot#1?/a.tif");
  EXPECT_EQ(resolved("https://x.org/stac/catalog.json?key=1", "items/../a.json"),
            "https://x.org/stac/a.json");
  EXPECT_EQ(resolved("https://x.org/stac/catalog.json", "/a.tif"), "https://x.org/a.tif");
  EXPECT_EQ(resolved("https://x.org/catalog.json", "s3://bucket/a.tif"), "s3://bucket/a.tif");
  EXPECT_EQ(gdal_name("s3://bucket/a.tif"), "/vsis3/bucket/a.tif");
  EXPECT_EQ(gdal_name("https://x.org/a.tif"), "/vsicurl/https://x.org/a.tif");
}

class Stac : public WatchTest {
 protected:
  Stac() { options_.source = (folder_ / "catalog.json").string(); }

  /// Writes an item, and a raster that it names.
  void add(const std::string& id, const std::string& time, double grey) {
    draw(id + ".tif", grey);
    const json item{{"type", "Feature"},
                    {"stac_version", "1.0.0"},
                    {"id", id},
                    {"bbox", {15.0, 45.1, 15.1, 45.2}},
                    {"properties", {{"datetime", time}}},
                    {"assets",
                     {{"thumbnail", {{"href", "none.png"}, {"type", "image/png"}}},
                      {"mask", {{"href", "none.tif"}, {"type", "image/tiff; application=geotiff"}}},
                      {"pixels",
                       {{"href", "../scenes/" + id + ".tif"},
                        {"type", "image/tiff; application=geotiff; profile=cloud-optimized"},
                        {"roles", {"data"}}}}}}};
    folder_.write("items/" + id + ".json", item.dump());
    items_.push_back({{"rel", "item"}, {"href", "./items/" + id + ".json"}});
    write_catalogue();
  }
  void write_catalogue() {
    auto links = items_;
    links.push_back({{"rel", "self"}, {"href", "collection.json"}});
    links.push_back({{"rel", "parent"}, {"href", "./catalog.json"}});
    // A child that names its parent as child does not lead to a walk without end.
    links.push_back({{"rel", "child"}, {"href", "catalog.json"}});
    folder_.write("collection.json", json{{"type", "Collection"}, {"links", links}}.dump());
    const json child{{"rel", "child"}, {"href", "./collection.json"}};
    folder_.write("catalog.json", json{{"type", "Catalog"}, {"links", json::array({child})}}.dump());
  }

  json items_ = json::array();
};

TEST_F(Stac, MapsTheItemsOfACatalogueInTheOrderOfTime) {
  add("b", "2020-05-01T10:00:00.5Z", 200);
  add("a", "2019-05-01T10:00:00Z", 100);
  EXPECT_EQ(watch().maps, 1) << notes_;
  const auto alert = json::parse(feed())["features"][0]["properties"];
  EXPECT_EQ(alert["from"], (folder_ / "items/a.json").string());
  EXPECT_EQ(alert["end"], "2020-05-01T10:00:00Z");
  add("c", "2021-05-01T10:00:00Z", 30);
  EXPECT_EQ(watch().maps, 1);
  EXPECT_EQ(alerts().size(), 2U);
}

TEST_F(Stac, ReadsCatalogueAndRastersOverHttp) {
  add("a", "2019-05-01T10:00:00Z", 100);
  add("b", "2020-05-01T10:00:00Z", 200);
  const WebServer server(folder_.path());
  options_.source = server.url("catalog.json");
  EXPECT_EQ(watch().alerts, 1) << notes_;
  EXPECT_EQ(json::parse(feed())["features"][0]["properties"]["from"], server.url("items/a.json"));
  add("c", "2021-05-01T10:00:00Z", 30);
  EXPECT_EQ(watch().alerts, 1) << "a catalogue that grew is read again";
}

TEST_F(Stac, LeavesOutItemsOfOtherGroundWithoutOpeningThem) {
  add("a", "2019-05-01T10:00:00Z", 100);
  options_.map.area =
      folder_
          .write("area.geojson", R"({"type": "Polygon", "coordinates": [[[3, 3], [4, 3], [4, 4], [3, 3]]]})")
          .string();
  std::filesystem::remove(folder_ / "scenes/a.tif");
  EXPECT_THAT(error_of([&] { watch(); }), HasSubstr("area.geojson: expected an area that overlaps a scene"));
}

TEST_F(Stac, TellsWhatIsWrong) {
  EXPECT_THAT(error_of([&] { watch(); }),
              HasSubstr("catalog.json: cannot be opened (No such file or directory)"));
  folder_.write("catalog.json", "<html>");
  EXPECT_THAT(error_of([&] { watch(); }), HasSubstr("catalog.json: expected a STAC document in JSON"));
  folder_.write("catalog.json", R"({"type": "Topology"})");
  EXPECT_THAT(error_of([&] { watch(); }),
              HasSubstr("catalog.json: expected a STAC catalogue, collection or item, got type Topology"));
  const WebServer server(folder_.path());
  options_.source = server.url("none.json");
  EXPECT_EQ(error_of([&] { watch(); }), server.url("none.json") + ": cannot be read (HTTP error code : 404)");
  options_.source = "http://127.0.0.1:1/catalog.json";
  EXPECT_THAT(error_of([&] { watch(); }), HasSubstr("http://127.0.0.1:1/catalog.json: cannot be read ("));
}

TEST_F(Stac, ABrokenItemFailsAlone) {
  add("a", "2019-05-01T10:00:00Z", 100);
  add("b", "2020-05-01T10:00:00Z", 200);
  items_.push_back({{"rel", "item"}, {"href", "items/none.json"}});
  write_catalogue();
  const auto counts = watch();
  EXPECT_EQ(counts.maps, 1);
  EXPECT_EQ(counts.failed, 1);
  EXPECT_THAT(notes_, HasSubstr("items/none.json: cannot be opened"));
  options_.output = folder_ / "named";
  options_.asset = "visual";
  EXPECT_EQ(watch().failed, 3);
  EXPECT_THAT(notes_,
              HasSubstr("a.json: expected an asset visual, got mask, pixels, thumbnail (--asset names one)"));
}

TEST_F(Stac, ABrokenItemOfAListFailsAlone) {
  add("a", "2019-05-01T10:00:00Z", 100);
  add("b", "2020-05-01T10:00:00Z", 200);
  auto items = json::array({{{"type", "Feature"}, {"id", "none"}, {"assets", json::object()}}});
  for (const char* name : {"items/a.json", "items/b.json"})
    items.push_back(json::parse(content(folder_ / name)));
  options_.source =
      folder_.write("items/list.json", json{{"type", "FeatureCollection"}, {"features", items}}.dump());
  const auto counts = watch();
  EXPECT_EQ(counts.maps, 1);
  EXPECT_EQ(counts.failed, 1);
  EXPECT_THAT(notes_, HasSubstr("list.json#none: expected an asset with a GeoTIFF, got no assets"));
}

class Hook : public WatchTest {
 protected:
  Hook() {
    draw("2019.tif", 100);
    draw("2020.tif", 200);
    draw("2021.tif", 200);
    draw("2022.tif", 30);
    options_.attempts = 2;
    options_.retry = 0.01;
  }
};

TEST_F(Hook, GetsTheAlertsOfEachMapOnce) {
  const WebServer server(folder_.path());
  options_.webhook = server.url("alerts");
  options_.token = "secret";
  EXPECT_EQ(watch().undelivered, 0);
  const auto received = server.received();
  ASSERT_EQ(received.size(), 2U) << "a map without alerts is not sent";
  const auto body = json::parse(received[0].body);
  EXPECT_EQ(body["type"], "FeatureCollection");
  EXPECT_EQ(body["from"], "2019.tif");
  EXPECT_EQ(body["to"], "2020.tif");
  EXPECT_EQ(body["features"].size(), 1U);
  EXPECT_EQ(body["features"][0], json::parse(feed())["features"][0]);
  EXPECT_EQ(received[0].key.size(), 16U);
  EXPECT_NE(received[0].key, received[1].key);
  EXPECT_EQ(received[0].authorization, "Bearer secret");
  watch();
  EXPECT_EQ(server.received().size(), 2U);
}

TEST_F(Hook, ARefusedDeliveryIsSentAgainWithItsKey) {
  const WebServer server(folder_.path(), [](size_t number) { return number == 0 ? 503 : 200; });
  options_.webhook = server.url("alerts");
  EXPECT_EQ(watch().undelivered, 0);
  EXPECT_EQ(notes_.substr(notes_.find("http")),
            server.url("alerts") +
                ": expected to take alerts, got HTTP error code : 503 (next "
                "attempt in 0.01 s)\n");
  const auto received = server.received();
  ASSERT_EQ(received.size(), 3U);
  EXPECT_EQ(received[0].key, received[1].key);
  EXPECT_EQ(received[0].body, received[1].body);
}

TEST_F(Hook, TheNextRunSendsWhatWasRefused) {
  {
    const WebServer server(folder_.path(), [](size_t) { return 404; });
    options_.webhook = server.url("alerts");
    EXPECT_EQ(watch().undelivered, 2);
    EXPECT_THAT(notes_, HasSubstr("HTTP error code : 404 (the next run sends them again)"));
    EXPECT_EQ(server.received().size(), 2U);
  }
  const WebServer server(folder_.path());
  options_.webhook = server.url("alerts");
  EXPECT_EQ(watch().undelivered, 0);
  ASSERT_EQ(server.received().size(), 2U);
  EXPECT_EQ(json::parse(server.received()[0].body)["to"], "2020.tif") << "in the order of the maps";
  options_.webhook = "ftp://x.org";
  EXPECT_EQ(error_of([&] { watch(); }),
            "--webhook: expected an address with http:// or https://, got ftp://x.org");
}

}  // namespace
}  // namespace ccexpert::geo

// Maps as text, and the server's tool that makes them.
#include <gmock/gmock.h>
#include <httplib.h>

#include "geo/demo_scene.h"
#include "geo/map_fixture.h"
#include "geo/shared/map_text.h"
#include "support/environment.h"
#include "support/errors.h"
#include "tools/killed_process.h"
#include "tools/local_socket.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class MapText : public Map {
 protected:
  MapText() { options_.output.clear(); }
  geo::MapText text(const geo::MapTextOptions& options, const std::stop_token& stop = {}) {
    return geo::map_as_text(options, grey_model(&calls_), stop);
  }
};

TEST_F(MapText, HasTheTilesWithinBounds) {
  write();
  // Other tests leave their own files in the system's folder.
  const auto temporary = folder_ / "temporary";
  std::filesystem::create_directory(temporary);
  const Environment folder("TMPDIR", temporary.c_str());
  const auto whole = json::parse(text({.map = options_, .most_tiles = 4}).summary);
  EXPECT_EQ(whole["tiles"]["captioned"], 4);
  EXPECT_EQ(calls_, 4);
  // The first tile is the one in the north-west: 500000 is the meridian of 15 degrees.
  const auto part =
      json::parse(text({.map = options_, .bounds = {{14.9, 45.1, 15.0001, 45.2}}, .most_tiles = 4}).summary);
  EXPECT_EQ(part["tiles"]["all"], 2);
  EXPECT_THAT(error_of([&] {
                text({.map = options_, .bounds = {{0.0, 0.0, 1.0, 1.0}}, .most_tiles = 4});
              }),
              ::testing::StartsWith("bounds: expected an area that overlaps the first date"));
  EXPECT_TRUE(std::filesystem::is_empty(temporary));
}

TEST_F(MapText, ErrorsNameNoOptionOfAProgram) {
  write();
  auto small = options_;
  small.tile = {4.0};
  EXPECT_EQ(error_of([&] { text({.map = small, .most_tiles = 1000}); }),
            "tile: expected a side of 8 to 65536 pixels, got 4 x 4 pixels");
  after_.type = GDT_UInt16;
  after_.value = [](int, int, int) { return 700.0; };
  write();
  EXPECT_THAT(error_of([&] { text({.map = options_, .most_tiles = 4}); }),
              ::testing::EndsWith("differ, got one without contrast or valid pixels"));
}

TEST_F(MapText, OfTooManyTilesIsAnErrorAndOfAStopIsEmpty) {
  write();
  EXPECT_EQ(error_of([&] { text({.map = options_, .most_tiles = 3}); }),
            "map: expected at most 3 tiles, got 4 (larger tiles or a smaller area have fewer)");
  EXPECT_EQ(calls_, 0);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = text({.map = options_, .most_tiles = 4}, stop.get_token());
  EXPECT_TRUE(stopped.counts.interrupted);
  EXPECT_EQ(stopped.changes, "");
}

#ifdef CCEXPERT_SERVE
TEST_F(MapText, IsTheAnswerOfTheServersTool) {
  write_demo(folder_ / "before.tif", "before.png");
  write_demo(folder_ / "after.tif", "after.png");
  const int port = free_port();
  const Process server({CCEXPERT_SERVE, "--listen", "127.0.0.1:" + std::to_string(port), "--access-log", "",
                        "--threads", "1", "--map-root", folder_.path().string()});
  httplib::Client client("127.0.0.1", port);
  client.set_read_timeout(180);
  wait_until(server, [&] {
    const auto ready = client.Get("/readyz");
    return ready && ready->status == 200;
  });
  const auto call = [&](const json& arguments) {
    const json message{{"jsonrpc", "2.0"},
                       {"id", 1},
                       {"method", "tools/call"},
                       {"params", {{"name", "map_changes"}, {"arguments", arguments}}}};
    const auto result = client.Post("/mcp", message.dump(), "application/json");
    return result ? json::parse(result->body)["result"] : json();
  };
  const auto answer = call({{"before", "before.tif"}, {"after", "after.tif"}});
  ASSERT_EQ(answer["isError"], false) << answer;
  const auto& found = answer["structuredContent"];
  EXPECT_EQ(found["summary"]["tiles"]["captioned"], 1);
  ASSERT_FALSE(found["changes"]["features"].empty());
  const auto& change = found["changes"]["features"][0];
  EXPECT_THAT(change["properties"]["caption"].get<std::string>(), HasSubstr("houses"));
  EXPECT_GT(change["properties"]["score"], 0.5);
  EXPECT_EQ(call({{"before", "before.tif"}, {"after", "../after.tif"}})["isError"], true);
  EXPECT_THAT(
      call({{"before", "before.tif"}, {"after", "after.tif"}, {"tile", "wide"}})["content"][0]["text"],
      HasSubstr("tile: expected pixels as 256"));
}
#endif

}  // namespace
}  // namespace ccexpert::test

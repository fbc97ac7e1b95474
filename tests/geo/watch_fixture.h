// Watches over a folder of drawn scenes, with a model that compares pixels.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "geo/comparing_model.h"
#include "geo/shared/watch.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::test {

class WatchTest : public ::testing::Test {
 protected:
  WatchTest() {
    std::filesystem::create_directories(folder_ / "scenes");
    options_.source = (folder_ / "scenes").string();
    options_.output = folder_ / "out";
    options_.map.tile = {32.0};
    options_.once = true;
    options_.settle = 0.0;
  }

  /// Draws a scene of four tiles, of which the one at the upper right has its own grey.
  std::string draw(const std::string& name, double grey) const { return draw(name, grey, DrawnScene()); }
  std::string draw(const std::string& name, double grey, DrawnScene scene) const {
    scene.value = [grey](int x, int y, int) { return x >= 32 && y < 32 ? grey : 100.0; };
    return write_scene(folder_ / "scenes" / name, scene);
  }

  geo::WatchSummary watch() {
    return geo::watch(options_, comparing_model(&captions_),
                      {.note = [this](const std::string& line) { notes_ += line + "\n"; }});
  }

  std::string feed() const { return content(options_.output / "alerts.geojson"); }
  /// Returns "FROM TO: CAPTION" of each alert.
  std::vector<std::string> alerts() const {
    std::vector<std::string> alerts;
    const auto collection = nlohmann::json::parse(feed());
    for (const auto& feature : collection["features"]) {
      const auto& told = feature["properties"];
      alerts.push_back(told["from"].get<std::string>() + " " + told["to"].get<std::string>() + ": " +
                       told["caption"].get<std::string>());
    }
    return alerts;
  }

  TemporaryFolder folder_;
  geo::WatchOptions options_;
  std::string notes_;
  int captions_ = 0;
};

}  // namespace ccexpert::test

// Maps of a drawn scene, with a model that tells the grey of both dates.
#pragma once

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "geo/scene_files.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::test {

/// Two dates of 64 x 64 pixels with a grey for each quarter.
class Map : public ::testing::Test {
 protected:
  Map() {
    after_.value = [](int x, int y, int) { return 10.0 * (1 + (x >= 32 ? 1 : 0) + (y >= 32 ? 2 : 0)); };
    options_.tile = {32.0};
    options_.output = folder_ / "changes.gpkg";
  }

  void write() {
    options_.before = write_scene(folder_ / "before.tif", before_);
    options_.after = write_scene(folder_ / "after.tif", after_);
  }
  geo::MapSummary map() { return geo::map_scene(options_, grey_model(&calls_)); }
  nlohmann::json summary() const { return nlohmann::json::parse(content(folder_ / "changes.summary.json")); }

  TemporaryFolder folder_;
  DrawnScene before_, after_;
  geo::MapOptions options_;
  int calls_ = 0;
};

}  // namespace ccexpert::test

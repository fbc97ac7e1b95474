// Scenes of 40,000 x 40,000 pixels: bounded memory, and files that grow no faster than their changes.
#include <cstdint>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "geo/comparing_model.h"
#include "geo/gdal_use.h"
#include "geo/ground.h"
#include "geo/journal.h"
#include "geo/publish.h"
#include "geo/scene_files.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::geo {
namespace {

using namespace test;
using nlohmann::json;

constexpr int kSide = 40'000;
constexpr int kTile = 256;
constexpr int kColumns = (kSide + kTile - 1) / kTile;

/// Grey of the tiles that a scene stores, by their index; it has no data elsewhere.
using StoredTiles = std::map<int, int>;

std::string write_sparse(const std::filesystem::path& path, const StoredTiles& tiles) {
  GDALAllRegister();
  const char* const options[] = {"TILED=YES", "SPARSE_OK=TRUE", nullptr};
  auto* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  const GDALDatasetUniquePtr dataset(
      driver->Create(path.c_str(), kSide, kSide, 1, GDT_Byte, const_cast<char**>(options)));
  OGRSpatialReference system;
  system.importFromEPSG(32733);
  dataset->SetSpatialRef(&system);
  double transform[] = {300000.0, 0.5, 0.0, 8000000.0, 0.0, -0.5};
  dataset->SetGeoTransform(transform);
  auto* band = dataset->GetRasterBand(1);
  band->SetNoDataValue(0.0);
  for (const auto& [tile, grey] : tiles) {
    std::vector<uint8_t> values(static_cast<size_t>(kTile * kTile), static_cast<uint8_t>(grey));
    EXPECT_EQ(band->RasterIO(GF_Write, tile % kColumns * kTile, tile / kColumns * kTile, kTile, kTile,
                             values.data(), kTile, kTile, GDT_Byte, 0, 0, nullptr),
              CE_None);
  }
  return path.string();
}

/// Returns a figure in MB of what this process uses, or 0 if the system does not tell.
double megabytes(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return std::stod(line.substr(name.size() + 1)) / 1024.0;
  }
  return 0.0;
}

/// Lets the peak of this process begin anew. Returns false if the system cannot.
bool forget_peak() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good() && megabytes("VmHWM:") > 0.0;
}

TEST(LargeScene, IsMappedInBoundedMemory) {
  const TemporaryFolder folder;
  const int changed = 31 * kColumns + 7, quiet = 120 * kColumns + 90, later_only = 8;
  MapOptions options{
      .before = write_sparse(folder / "before.tif", {{changed, 100}, {quiet, 100}}),
      .after = write_sparse(folder / "after.tif", {{changed, 200}, {quiet, 100}, {later_only, 100}}),
      .output = folder / "changes.gpkg"};
  options.heatmap = folder / "heat.tif";
  options.batch = 4096;
  options.cache_megabytes = 16;
  const bool measures = forget_peak();
  const double before = megabytes("VmRSS:");
  const auto counts = map_scene(options, comparing_model());
  EXPECT_EQ(counts.tiles, kColumns * kColumns);
  EXPECT_EQ(counts.captioned, 1);
  EXPECT_EQ(counts.quiet, 1);
  const auto tiles = read_layer(options.output, "tiles");
  ASSERT_EQ(tiles.size(), 2U);
  EXPECT_EQ(tiles[0].tile, changed);
  const auto changes = read_layer(options.output, "changes");
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].envelope.MinX, 300000.0 + 7 * kTile * 0.5);
  EXPECT_EQ(changes[0].envelope.MaxY, 8000000.0 - 31 * kTile * 0.5);
  if (!measures) GTEST_SKIP() << "the peak of memory cannot be measured";
  // Both dates have 1.6 GB each.
  EXPECT_LT(megabytes("VmHWM:") - before, 150.0);
}

/// Writes a journal of a map whose tiles have diagonal stripes of change, the outlines of which have many
/// points.
void write_striped(const std::filesystem::path& output, const Grid& grid, int64_t tiles) {
  Plan plan;
  plan.grid = grid;
  plan.tile = {kTile, kTile, 0, 0};
  plan.identity = "1";
  plan.places = plan.mine = tiles;
  plan.changed_from = 0.5;
  std::vector<TileResult> results;
  for (int64_t tile = 0; tile < tiles; ++tile) {
    auto& result = results.emplace_back();
    result.tile = tile;
    result.score = 0.9;
    result.caption = "roads are built";
    result.map.grid = 16;
    for (int64_t i = 0; i < 256; ++i)
      result.map.values.push_back((i % 16 + i / 16) / 2 % 2 == 0 ? 1.0F : 0.0F);
  }
  Journal(journal_path(output, {}), plan, Existing::kRefuse).write(results);
}

TEST(LargeScene, WritesChangesTileByTile) {
  const TemporaryFolder folder;
  Grid grid{.width = int64_t{kTile} * 25,
            .height = int64_t{kTile} * 4,
            .transform = {300000.0, 0.5, 0.0, 8000000.0, 0.0, -0.5}};
  OGRSpatialReference system;
  system.importFromEPSG(32733);
  char* text = nullptr;
  system.exportToWkt(&text);
  grid.crs = text;
  CPLFree(text);
  const auto output = folder / "changes.csv";
  write_striped(output, grid, 60);
  start_gdal();
  const JournalReader journal(journal_path(output, {}));
  // PROJ reads its data base at its first use.
  Ground(grid).area({ring_of({0, 0, kTile, kTile})});
  const bool measures = forget_peak();
  const double before = megabytes("VmRSS:");
  publish({&journal, 1}, output);
  const double peak = megabytes("VmHWM:");
  EXPECT_GT(read_layer(folder / "changes.changes.csv").size(), 300U);
  if (!measures) GTEST_SKIP() << "the peak of memory cannot be measured";
  // All outlines together have 8 MB before they are simplified.
  EXPECT_LT(peak - before, 6.0);
}

}  // namespace
}  // namespace ccexpert::geo

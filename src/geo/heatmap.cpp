#include "geo/heatmap.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <ccexpert/core/error.h>

#include "geo/journal.h"

namespace ccexpert::geo {
namespace {

constexpr int64_t kMostValues = 1024;
constexpr float kLeastWeight = 1e-3F;

Grid coarse(const Grid& scene, int64_t cell) {
  Grid grid = scene;
  grid.width = (scene.width + cell - 1) / cell;
  grid.height = (scene.height + cell - 1) / cell;
  for (const size_t i : {1U, 2U, 4U, 5U}) grid.transform[i] *= static_cast<double>(cell);
  return grid;
}

GDALDriver& driver_named(const char* name) {
  auto* driver = GetGDALDriverManager()->GetDriverByName(name);
  if (driver == nullptr) fail(name, "this GDAL has no such driver", "", ErrorKind::kResource);
  return *driver;
}

/// Weight of a place between two sides, highest in the middle.
float tent(double place, double start, double length) {
  const double share = (place - start) / length;
  return std::max(kLeastWeight, static_cast<float>(2.0 * std::min(share, 1.0 - share)));
}

/// Returns the cells whose centres are from `start` to before `end`.
std::pair<int64_t, int64_t> cells_between(int64_t start, int64_t end, int64_t cell) {
  const auto first = [&](int64_t at) { return (2 * at + cell - 1) / (2 * cell); };
  return {first(start), first(end)};
}

}  // namespace

void expect_heatmap_driver() {
  driver_named("COG");
}

image::PixelMap values_in(const Window& window, const image::ChangeMap& map, int64_t most) {
  const int64_t longest = std::max(window.width, window.height);
  const auto scaled = [&](int64_t side) {
    return longest <= most ? side : std::max<int64_t>(1, side * most / longest);
  };
  return image::at_pixels(map, scaled(window.height), scaled(window.width));
}

Heatmap::Heatmap(std::filesystem::path file, const Grid& scene, int64_t cell)
    : file_(std::move(file)), cell_(cell) {
  auto grid = coarse(scene, cell);
  width_ = grid.width;
  height_ = grid.height;
  const char* const options[] = {"TILED=YES", "COMPRESS=DEFLATE", "BIGTIFF=IF_SAFER", "SPARSE_OK=TRUE",
                                 nullptr};
  CPLErrorReset();
  dataset_.reset(driver_named("GTiff").Create(file_.c_str(), static_cast<int>(width_),
                                              static_cast<int>(height_), 1, GDT_Float32,
                                              const_cast<char**>(options)));
  if (!dataset_) fail_gdal(file_.string(), "cannot be written", ErrorKind::kResource);
  const auto system = system_of(grid.crs);
  dataset_->SetSpatialRef(&system);
  dataset_->SetGeoTransform(grid.transform.data());
  dataset_->GetRasterBand(1)->SetNoDataValue(std::numeric_limits<double>::quiet_NaN());
  dataset_->GetRasterBand(1)->SetDescription("change");
}

void Heatmap::add(const Window& window, const image::ChangeMap& map) {
  const auto values = values_in(window, map, kMostValues);
  const auto [top, bottom] = cells_between(window.y, window.y + window.height, cell_);
  const auto [left, right] = cells_between(window.x, window.x + window.width, cell_);
  flush_above(top);
  const auto centre = [&](int64_t place) {
    return (static_cast<double>(place) + 0.5) * static_cast<double>(cell_);
  };
  const auto index = [](double place, int64_t start, int64_t length, int64_t count) {
    const double share = (place - static_cast<double>(start)) / static_cast<double>(length);
    return std::clamp<int64_t>(static_cast<int64_t>(share * static_cast<double>(count)), 0, count - 1);
  };
  for (int64_t row = top; row < std::min(bottom, height_); ++row) {
    auto& to = rows_[row];
    to.sum.resize(static_cast<size_t>(width_), 0.0F);
    to.weight.resize(static_cast<size_t>(width_), 0.0F);
    const int64_t y = index(centre(row), window.y, window.height, values.height);
    const float vertical =
        tent(centre(row), static_cast<double>(window.y), static_cast<double>(window.height));
    for (int64_t column = left; column < std::min(right, width_); ++column) {
      const int64_t x = index(centre(column), window.x, window.width, values.width);
      const float weight =
          vertical * tent(centre(column), static_cast<double>(window.x), static_cast<double>(window.width));
      to.sum[static_cast<size_t>(column)] +=
          weight * values.values[static_cast<size_t>(y * values.width + x)];
      to.weight[static_cast<size_t>(column)] += weight;
    }
  }
}

void Heatmap::flush_above(int64_t row) {
  while (!rows_.empty() && rows_.begin()->first < row) {
    write(rows_.begin()->first, rows_.begin()->second);
    rows_.erase(rows_.begin());
  }
}

void Heatmap::write(int64_t row, const Row& values) {
  std::vector<float> line(values.sum.size());
  for (size_t i = 0; i < line.size(); ++i) {
    line[i] = values.weight[i] > 0.0F ? journal_value(values.sum[i] / values.weight[i])
                                      : std::numeric_limits<float>::quiet_NaN();
  }
  const auto result = dataset_->GetRasterBand(1)->RasterIO(
      GF_Write, 0, static_cast<int>(row), static_cast<int>(width_), 1, line.data(), static_cast<int>(width_),
      1, GDT_Float32, 0, 0, nullptr);
  if (result != CE_None) fail_gdal(file_.string(), "cannot be written", ErrorKind::kResource);
}

void Heatmap::finish(const std::filesystem::path& result) {
  flush_above(height_);
  const SeenFailure failure;
  dataset_->FlushCache();
  failure.throw_as_unwritten(file_.string());
  const char* const options[] = {"COMPRESS=DEFLATE", "PREDICTOR=YES", "RESAMPLING=AVERAGE",
                                 "BIGTIFF=IF_SAFER", nullptr};
  CPLErrorReset();
  GDALDatasetUniquePtr copy(driver_named("COG").CreateCopy(result.c_str(), dataset_.get(), FALSE,
                                                           const_cast<char**>(options), nullptr, nullptr));
  if (!copy) fail_gdal(result.string(), "cannot be written", ErrorKind::kResource);
  copy.reset();
  failure.throw_as_unwritten(result.string());
  dataset_.reset();
  std::error_code code;
  std::filesystem::remove(file_, code);
}

}  // namespace ccexpert::geo

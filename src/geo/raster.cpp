#include "geo/raster.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::geo {
namespace {

struct Region {
  int x, y, width, height, buffer_width, buffer_height;
};

Region region_of(const Window& window, const BufferSize& size) {
  return {static_cast<int>(window.x),      static_cast<int>(window.y),   static_cast<int>(window.width),
          static_cast<int>(window.height), static_cast<int>(size.width), static_cast<int>(size.height)};
}

bool shrinks(const Region& region) {
  return region.buffer_width < region.width || region.buffer_height < region.height;
}

void read_values(GDALDataset& dataset, std::vector<int> bands, const Region& region, float* values) {
  GDALRasterIOExtraArg extra;
  INIT_RASTERIO_EXTRA_ARG(extra);
  // The mean of two indices of a palette is the index of another colour.
  const bool indexed = dataset.GetRasterBand(bands.front())->GetColorTable() != nullptr && bands.size() == 1;
  if (shrinks(region) && !indexed) extra.eResampleAlg = GRIORA_Average;
  const auto result = dataset.RasterIO(GF_Read, region.x, region.y, region.width, region.height, values,
                                       region.buffer_width, region.buffer_height, GDT_Float32,
                                       static_cast<int>(bands.size()), bands.data(), 0, 0, 0, &extra);
  if (result != CE_None) fail_gdal("window", "cannot be read");
}

std::vector<float> read_mask(GDALRasterBand& band, const Region& region) {
  std::vector<float> mask(static_cast<size_t>(region.buffer_width) *
                          static_cast<size_t>(region.buffer_height));
  const auto result = band.RasterIO(GF_Read, region.x, region.y, region.width, region.height, mask.data(),
                                    region.buffer_width, region.buffer_height, GDT_Float32, 0, 0, nullptr);
  if (result != CE_None) fail_gdal("mask", "cannot be read");
  return mask;
}

std::vector<uint8_t> palette_of(GDALRasterBand& band) {
  const auto* table = band.GetColorTable();
  if (table == nullptr) return {};
  std::vector<uint8_t> colours;
  for (int i = 0; i < table->GetColorEntryCount(); ++i) {
    GDALColorEntry entry{};
    table->GetColorEntryAsRGB(i, &entry);
    for (const short part : {entry.c1, entry.c2, entry.c3})
      colours.push_back(static_cast<uint8_t>(std::clamp<short>(part, 0, 255)));
  }
  return colours;
}

int band_with(GDALDataset& dataset, GDALColorInterp colour) {
  for (int i = 1; i <= dataset.GetRasterCount(); ++i) {
    if (dataset.GetRasterBand(i)->GetColorInterpretation() == colour) return i;
  }
  return 0;
}

std::vector<int> usual_bands(GDALDataset& dataset) {
  std::vector<int> colours{band_with(dataset, GCI_RedBand), band_with(dataset, GCI_GreenBand),
                           band_with(dataset, GCI_BlueBand)};
  if (std::ranges::find(colours, 0) == colours.end()) return colours;
  std::vector<int> bands;
  for (int i = 1; i <= dataset.GetRasterCount(); ++i) {
    if (dataset.GetRasterBand(i)->GetColorInterpretation() != GCI_AlphaBand) bands.push_back(i);
  }
  if (bands.empty()) return {1};
  bands.resize(bands.size() >= 3 ? 3 : 1);
  return bands;
}

}  // namespace

Raster::Raster(GDALDatasetUniquePtr dataset, std::string name, std::vector<int> bands, int alpha)
    : dataset_(std::move(dataset)), name_(std::move(name)), bands_(std::move(bands)), alpha_(alpha) {
  if (bands_.size() == 1) palette_ = palette_of(*dataset_->GetRasterBand(bands_.front()));
}

Samples Raster::read(const Window& window, const BufferSize& size) const try {
  CPLErrorReset();
  const auto pixels = static_cast<size_t>(size.height) * static_cast<size_t>(size.width);
  Samples samples{.height = size.height,
                  .width = size.width,
                  .values = std::vector<float>(pixels * bands_.size()),
                  .valid = std::vector<uint8_t>(pixels, 1)};
  read_values(*dataset_, bands_, region_of(window, size), samples.values.data());
  read_band_masks(window, samples);
  for (size_t i = 0; i < samples.values.size(); ++i) {
    if (std::isfinite(samples.values[i])) continue;
    samples.values[i] = 0.0F;
    samples.valid[i % pixels] = 0;
  }
  return samples;
} catch (const Error& error) {
  throw Error(fmt::format("{}: {}", name_, error.what()), error.kind());
}

void Raster::read_band_masks(const Window& window, Samples& samples) const {
  const auto region = region_of(window, {samples.height, samples.width});
  if (alpha_ != 0) {
    const auto mask = read_mask(*dataset_->GetRasterBand(alpha_), region);
    std::ranges::transform(mask, samples.valid.begin(), [](float each) { return uint8_t{each > 0.0F}; });
    return;
  }
  // A value for no data belongs to a band: a pixel lacks data if all of its bands do.
  std::vector<uint8_t> any(samples.pixels(), 0);
  for (const int number : bands_) {
    auto* band = dataset_->GetRasterBand(number);
    const int flags = band->GetMaskFlags();
    if ((flags & GMF_ALL_VALID) != 0) return;
    const auto mask = read_mask(*band->GetMaskBand(), region);
    for (size_t i = 0; i < any.size(); ++i) any[i] = any[i] != 0 || mask[i] > 0.0F ? 1 : 0;
    if ((flags & GMF_PER_DATASET) != 0) break;
  }
  samples.valid = std::move(any);
}

bool Raster::is_hole(const Window& window) const {
  auto* band = dataset_->GetRasterBand(bands_.front());
  int has_none = 0;
  const double none = band->GetNoDataValue(&has_none);
  // Absent blocks have the value for no data.
  if (alpha_ != 0 || has_none == 0 || std::isnan(none)) return false;
  const int status = band->GetDataCoverageStatus(static_cast<int>(window.x), static_cast<int>(window.y),
                                                 static_cast<int>(window.width),
                                                 static_cast<int>(window.height), 0, nullptr);
  return status == GDAL_DATA_COVERAGE_STATUS_EMPTY;
}

bool Raster::has_8_bits() const {
  return std::ranges::all_of(
      bands_, [&](int band) { return dataset_->GetRasterBand(band)->GetRasterDataType() == GDT_Byte; });
}

Grid grid_of(GDALDataset& dataset, const std::string& name) {
  Grid grid{.width = dataset.GetRasterXSize(), .height = dataset.GetRasterYSize()};
  const auto* system = dataset.GetSpatialRef();
  const auto& t = grid.transform;
  const bool placed = dataset.GetGeoTransform(grid.transform.data()) == CE_None && t[1] * t[5] != t[2] * t[4];
  if (!placed || system == nullptr) {
    fail_expected({name, "a raster with a position and a coordinate system",
                   placed ? "no coordinate system" : "no position", "gdal_edit.py or gdalwarp give it one"});
  }
  char* text = nullptr;
  const char* const options[] = {"FORMAT=WKT2_2019", nullptr};
  if (system->exportToWkt(&text, options) == OGRERR_NONE) grid.crs = text;
  CPLFree(text);
  return grid;
}

std::vector<int> chosen_bands(GDALDataset& dataset, const std::string& name,
                              const std::vector<int64_t>& asked) {
  if (asked.empty()) return usual_bands(dataset);
  if (asked.size() != 1 && asked.size() != 3)
    fail_expected({"--bands", "one band or three", std::to_string(asked.size())});
  std::vector<int> bands;
  for (const int64_t band : asked) {
    if (band < 1 || band > dataset.GetRasterCount())
      fail_expected({name, fmt::format("band {}", band), fmt::format("{} bands", dataset.GetRasterCount())});
    bands.push_back(static_cast<int>(band));
  }
  return bands;
}

}  // namespace ccexpert::geo

// Drawn scenes on the ground, and layers read back.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gdal_priv.h>
#include <ogrsf_frmts.h>

#include <ccexpert/geo/map.h>

namespace ccexpert::test {

/// Drawn raster. A pixel's value depends on column, row and band (from 0).
struct DrawnScene {
  int width = 64;
  int height = 64;
  int bands = 3;
  GDALDataType type = GDT_Byte;
  int epsg = 32633;
  std::array<double, 6> transform{500000.0, 1.0, 0.0, 5000000.0, 0.0, -1.0};
  std::optional<double> no_data = {};
  std::function<double(int column, int row, int band)> value = [](int, int, int) { return 100.0; };
};

inline std::string write_scene(const std::filesystem::path& path, const DrawnScene& scene) {
  GDALAllRegister();
  auto* driver = GetGDALDriverManager()->GetDriverByName("GTiff");
  const GDALDatasetUniquePtr dataset(
      driver->Create(path.c_str(), scene.width, scene.height, scene.bands, scene.type, nullptr));
  if (scene.epsg != 0) {
    OGRSpatialReference system;
    system.importFromEPSG(scene.epsg);
    dataset->SetSpatialRef(&system);
    auto transform = scene.transform;
    dataset->SetGeoTransform(transform.data());
  }
  for (int band = 0; band < scene.bands; ++band) {
    auto* to = dataset->GetRasterBand(band + 1);
    if (scene.no_data) to->SetNoDataValue(*scene.no_data);
    std::vector<double> row(static_cast<size_t>(scene.width));
    for (int y = 0; y < scene.height; ++y) {
      for (int x = 0; x < scene.width; ++x) row[static_cast<size_t>(x)] = scene.value(x, y, band);
      if (to->RasterIO(GF_Write, 0, y, scene.width, 1, row.data(), scene.width, 1, GDT_Float64, 0, 0,
                       nullptr) != CE_None)
        return {};
    }
  }
  return path.string();
}

/// Model whose caption tells the mean grey of both dates, rounded.
inline geo::MapModel grey_model(int* calls = nullptr) {
  return {.caption = [calls](std::span<const ImagePair> pairs) {
    std::vector<Caption> captions;
    for (const auto& pair : pairs) {
      const auto mean = [](const image::ImageView& view) {
        double sum = 0.0;
        for (int64_t y = 0; y < view.height; ++y) {
          for (int64_t x = 0; x < 3 * view.width; ++x) sum += view.data[y * view.stride + x];
        }
        return static_cast<int>(sum / static_cast<double>(3 * view.width * view.height) + 0.5);
      };
      Caption caption;
      caption.text = "from " + std::to_string(mean(pair.before)) + " to " + std::to_string(mean(pair.after));
      caption.logprob = -1.5;
      captions.push_back(caption);
      if (calls != nullptr) ++*calls;
    }
    return captions;
  }};
}

/// Feature of a layer, as text, with its geometry.
struct ReadFeature {
  std::string caption;
  std::string error;
  double area = 0.0;
  int64_t tile = 0;
  std::string wkt;
  OGREnvelope envelope;
};

inline std::vector<ReadFeature> read_layer(const std::filesystem::path& path, const char* name = nullptr) {
  GDALAllRegister();
  const GDALDatasetUniquePtr dataset(GDALDataset::Open(path.c_str(), GDAL_OF_VECTOR));
  std::vector<ReadFeature> features;
  if (!dataset) return features;
  auto* layer = name == nullptr ? dataset->GetLayer(0) : dataset->GetLayerByName(name);
  for (const auto& feature : layer) {
    ReadFeature read;
    read.caption = feature->GetFieldAsString("caption");
    if (feature->GetFieldIndex("error") >= 0) read.error = feature->GetFieldAsString("error");
    read.area = feature->GetFieldAsDouble("area_m2");
    read.tile = feature->GetFieldAsInteger64("tile");
    const auto* geometry = feature->GetGeometryRef();
    read.wkt = geometry->exportToWkt();
    geometry->getEnvelope(&read.envelope);
    features.push_back(read);
  }
  return features;
}

inline std::vector<std::string> captions_of(const std::vector<ReadFeature>& features) {
  std::vector<std::string> captions;
  for (const auto& feature : features) captions.push_back(feature.caption);
  return captions;
}

}  // namespace ccexpert::test

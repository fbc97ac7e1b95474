#include "geo/vector_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "geo/antimeridian.h"
#include "geo/geometry.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;

struct FormatEntry {
  const char* ending;
  VectorFormat format;
  const char* driver;
};

constexpr auto kFormats = std::to_array<FormatEntry>({{".gpkg", VectorFormat::kGeoPackage, "GPKG"},
                                                      {".geojson", VectorFormat::kGeoJson, "GeoJSON"},
                                                      {".json", VectorFormat::kGeoJson, "GeoJSON"},
                                                      {".fgb", VectorFormat::kFlatGeobuf, "FlatGeobuf"},
                                                      {".csv", VectorFormat::kCsv, "CSV"}});

bool in_degrees(VectorFormat format) {
  return format == VectorFormat::kGeoJson || format == VectorFormat::kCsv;
}

const char* driver_of(VectorFormat format) {
  for (const auto& entry : kFormats) {
    if (entry.format == format) return entry.driver;
  }
  return "";
}

const char* const* layer_options(VectorFormat format) {
  static const char* const geojson[] = {"RFC7946=YES", nullptr};
  static const char* const csv[] = {"GEOMETRY=AS_WKT", nullptr};
  static const char* const package[] = {"GEOMETRY_NAME=geom", nullptr};
  static const char* const none[] = {nullptr};
  switch (format) {
    case VectorFormat::kGeoJson:
      return geojson;
    case VectorFormat::kCsv:
      return csv;
    case VectorFormat::kGeoPackage:
      return package;
    case VectorFormat::kFlatGeobuf:
      return none;
  }
  return none;
}

void set_field(OGRFeature& feature, int field, const FieldValue& value) {
  if (const auto* number = std::get_if<int64_t>(&value)) {
    feature.SetField(field, static_cast<GIntBig>(*number));
  } else if (const auto* real = std::get_if<double>(&value)) {
    feature.SetField(field, *real);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    feature.SetField(field, *flag ? 1 : 0);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    feature.SetField(field, text->c_str());
  }
}

/// Returns the features of a layer that can be read, or -1 without the layer.
int64_t features_in(const Written& layer) {
  const GDALDatasetUniquePtr dataset(
      GDALDataset::Open(layer.file.c_str(), GDAL_OF_VECTOR | GDAL_OF_READONLY));
  if (!dataset) return -1;
  auto* found =
      dataset->GetLayerCount() == 1 ? dataset->GetLayer(0) : dataset->GetLayerByName(layer.layer.c_str());
  if (found == nullptr) return -1;
  int64_t count = 0;
  for (const auto& feature : found) count += feature->GetGeometryRef() != nullptr ? 1 : 0;
  return count;
}

/// True if a file ends with a line, as files of text do.
bool ends_with_a_line(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(-1, std::ios::end);
  return file.get() == '\n';
}

void expect_whole(const Written& layer) {
  const auto features = features_in(layer);
  if (features == layer.features && (!in_degrees(format_of(layer.file)) || ends_with_a_line(layer.file)))
    return;
  fail(layer.file.filename().string(), "cannot be written",
       fmt::format("{} of {} polygons can be read again", std::max<int64_t>(0, features), layer.features),
       ErrorKind::kResource);
}

}  // namespace

VectorFormat format_of(const fs::path& path) {
  for (const auto& entry : kFormats) {
    if (path.extension() == entry.ending) return entry.format;
  }
  fail_expected({"--output", "a name that ends in .gpkg, .geojson, .json, .fgb or .csv", path.string()});
}

fs::path layer_path(const fs::path& path, const std::string& layer, bool first) {
  if (first || format_of(path) == VectorFormat::kGeoPackage) return path;
  auto name = path.stem();
  name += "." + layer + path.extension().string();
  return path.parent_path() / name;
}

std::vector<Polygon> VectorLayer::placed(const Polygon& pixels) const {
  if (in_degrees(format_)) return cut_at_antimeridian(ground_.to_degrees(pixels));
  Polygon polygon;
  for (const auto& ring : pixels) polygon.push_back(on_ground(grid_, ring));
  return {polygon};
}

void VectorLayer::add(const std::vector<Polygon>& pixels, const std::vector<FieldValue>& values) {
  const OGRFeatureUniquePtr feature(OGRFeature::CreateFeature(layer_.GetLayerDefn()));
  for (size_t i = 0; i < values.size(); ++i) set_field(*feature, static_cast<int>(i), values[i]);
  OGRMultiPolygon parts;
  for (const auto& polygon : pixels) {
    for (const auto& part : placed(polygon)) {
      const auto shape = to_ogr(part);
      parts.addGeometry(&shape);
    }
  }
  const bool single = parts.getNumGeometries() == 1 && wkbFlatten(layer_.GetGeomType()) != wkbMultiPolygon;
  feature->SetGeometry(single ? static_cast<OGRGeometry*>(parts.getGeometryRef(0)) : &parts);
  if (layer_.CreateFeature(feature.get()) != OGRERR_NONE)
    fail_gdal(layer_.GetName(), "a polygon cannot be written", ErrorKind::kResource);
  ++written_.features;
}

VectorFiles::VectorFiles(fs::path folder, const fs::path& name, const Grid& grid)
    : folder_(std::move(folder)), name_(name), format_(format_of(name)), grid_(grid), ground_(grid) {}

GDALDataset& VectorFiles::dataset_for(const std::string& layer) {
  if (is_geopackage() && !datasets_.empty()) return *datasets_.front();
  const auto file = (folder_ / layer_path(name_, layer, datasets_.empty())).string();
  auto* driver = GetGDALDriverManager()->GetDriverByName(driver_of(format_));
  if (driver == nullptr) fail(driver_of(format_), "this GDAL has no such driver", "", ErrorKind::kResource);
  CPLErrorReset();
  datasets_.emplace_back(driver->Create(file.c_str(), 0, 0, 0, GDT_Unknown, nullptr));
  if (!datasets_.back()) fail_gdal(file, "cannot be written", ErrorKind::kResource);
  return *datasets_.back();
}

VectorLayer VectorFiles::layer(const std::string& name, const std::vector<FieldKind>& fields) {
  auto& dataset = dataset_for(name);
  auto system = in_degrees(format_) ? degrees_system() : system_of(grid_.crs);
  const auto kind = format_ == VectorFormat::kGeoPackage || format_ == VectorFormat::kFlatGeobuf
                        ? (name.ends_with("tiles") ? wkbPolygon : wkbMultiPolygon)
                        : wkbUnknown;
  auto* layer = dataset.CreateLayer(name.c_str(), &system, kind, const_cast<char**>(layer_options(format_)));
  if (layer == nullptr) fail_gdal(name_.string(), "its layer cannot be written", ErrorKind::kResource);
  for (const auto& field : fields) {
    OGRFieldDefn definition(field.name.c_str(), field.type);
    definition.SetSubType(field.subtype);
    if (layer->CreateField(&definition) != OGRERR_NONE)
      fail_gdal(name_.string(), "its fields cannot be written", ErrorKind::kResource);
  }
  if (is_geopackage()) dataset.StartTransaction();
  layers_.push_back({folder_ / layer_path(name_, name, layers_.empty()), name});
  return {*layer, layers_.back(), grid_, ground_};
}

void VectorFiles::execute(const std::string& sql) {
  if (!is_geopackage()) return;
  auto& dataset = *datasets_.front();
  CPLErrorReset();
  auto* rows = dataset.ExecuteSQL(sql.c_str(), nullptr, nullptr);
  if (rows != nullptr) dataset.ReleaseResultSet(rows);
  if (CPLGetLastErrorType() == CE_Failure)
    fail_gdal(name_.string(), "cannot be written", ErrorKind::kResource);
}

bool VectorFiles::has_degrees() const {
  return in_degrees(format_);
}

void VectorFiles::close() {
  const SeenFailure failure;
  for (auto& dataset : datasets_) {
    if (is_geopackage() && dataset->CommitTransaction() != OGRERR_NONE)
      fail_gdal(name_.string(), "cannot be written", ErrorKind::kResource);
    dataset.reset();
  }
  failure.throw_as_unwritten(name_.string());
  // Drivers of text files do not report a full disk.
  for (const auto& layer : layers_) expect_whole(layer);
}

}  // namespace ccexpert::geo

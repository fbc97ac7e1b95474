// Layers of polygons in a file of GDAL's.
#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <ogrsf_frmts.h>

#include "geo/gdal_use.h"
#include "geo/grid.h"
#include "geo/ground.h"

namespace ccexpert::geo {

enum class VectorFormat {
  kGeoPackage,  ///< all layers in one file, in the scene's coordinates
  kGeoJson,     ///< RFC 7946, a layer a file
  kFlatGeobuf,  ///< in the scene's coordinates, a layer a file
  kCsv,         ///< WKT in WGS84, a layer a file
};

/// Returns the format of a file's name. Throws Error for another ending.
VectorFormat format_of(const std::filesystem::path& path);

/// Returns the file of a layer: `path` for the first one and in a GeoPackage, else "NAME.layer.ENDING".
std::filesystem::path layer_path(const std::filesystem::path& path, const std::string& layer, bool first);

using FieldValue = std::variant<std::monostate, int64_t, double, bool, std::string>;

struct FieldKind {
  std::string name;
  OGRFieldType type = OFTString;
  OGRFieldSubType subtype = OFSTNone;
};

/// Layer as it is to be found in its file.
struct Written {
  std::filesystem::path file;
  std::string layer;
  int64_t features = 0;
};

/// Layer that is being written.
class VectorLayer {
 public:
  VectorLayer(OGRLayer& layer, Written& written, const Grid& grid, const Ground& ground)
      : layer_(layer), written_(written), format_(format_of(written.file)), grid_(grid), ground_(ground) {}

  /// Adds polygons in pixels as one feature; values are in the order of the layer's fields.
  void add(const std::vector<Polygon>& pixels, const std::vector<FieldValue>& values);

 private:
  std::vector<Polygon> placed(const Polygon& pixels) const;

  OGRLayer& layer_;
  Written& written_;
  VectorFormat format_;
  const Grid& grid_;
  const Ground& ground_;
};

/// Layers of a map in a folder, under the names of the final files.
class VectorFiles {
 public:
  /// `name` is the name of the first file.
  VectorFiles(std::filesystem::path folder, const std::filesystem::path& name, const Grid& grid);

  VectorLayer layer(const std::string& name, const std::vector<FieldKind>& fields);
  /// Runs a statement of SQL, in a GeoPackage only.
  void execute(const std::string& sql);
  /// True if coordinates are longitude and latitude.
  bool has_degrees() const;
  bool is_geopackage() const { return format_ == VectorFormat::kGeoPackage; }

  const Ground& ground() const { return ground_; }
  /// Closes the files and reads them again. Throws Error if one could not be written or is not whole.
  void close();

 private:
  GDALDataset& dataset_for(const std::string& layer);

  std::filesystem::path folder_;
  std::filesystem::path name_;
  VectorFormat format_;
  Grid grid_;
  Ground ground_;
  std::vector<GDALDatasetUniquePtr> datasets_;
  std::list<Written> layers_;  ///< a list: layers that are being written refer to its elements
};

}  // namespace ccexpert::geo

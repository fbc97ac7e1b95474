// Common handling of GDAL: start, errors and systems of coordinates.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <cpl_error.h>
#include <gdal_priv.h>
#include <ogr_spatialref.h>

#include <ccexpert/core/error.h>

namespace ccexpert::geo {

/// Registers GDAL's drivers, once for the process.
void start_gdal();

/// Keeps GDAL from printing errors of this thread during its lifetime; GDAL keeps the last of them.
class QuietGdal {
 public:
  QuietGdal();
  ~QuietGdal();
  QuietGdal(const QuietGdal&) = delete;
  QuietGdal& operator=(const QuietGdal&) = delete;
};

/// Keeps the first failure of GDAL in this thread during its lifetime, which later messages do not replace.
class SeenFailure {
 public:
  SeenFailure();
  ~SeenFailure();
  SeenFailure(const SeenFailure&) = delete;
  SeenFailure& operator=(const SeenFailure&) = delete;

  /// Throws Error("what: cannot be written (GDAL's message)") if there was one.
  void throw_as_unwritten(std::string_view what) const;

 private:
  std::string message_;
};

/// Bounds GDAL's cache of blocks during its lifetime, unless the environment sets GDAL_CACHEMAX.
class BoundedCache {
 public:
  explicit BoundedCache(int64_t megabytes);
  ~BoundedCache();
  BoundedCache(const BoundedCache&) = delete;
  BoundedCache& operator=(const BoundedCache&) = delete;

 private:
  GIntBig before_;
};

/// Throws Error("what: problem (GDAL's last error)").
[[noreturn]] void fail_gdal(std::string_view what, std::string_view problem,
                            ErrorKind kind = ErrorKind::kInput);

/// Opens a raster. Throws Error naming it.
GDALDatasetUniquePtr open_raster(const std::string& name);

/// Returns the system of a WKT, with longitude or easting first. Throws Error for text that is none.
OGRSpatialReference system_of(const std::string& wkt);

/// Returns WGS84 with longitude first.
OGRSpatialReference degrees_system();

}  // namespace ccexpert::geo

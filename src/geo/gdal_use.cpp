#include "geo/gdal_use.h"

#include <mutex>

#include <cpl_conv.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::geo {
namespace {

constexpr GIntBig kMegabyte = GIntBig{1} << 20;

/// Returns GDAL's last message, without its own quotes of the file's name being repeated.
std::string last_message() {
  std::string text = CPLGetLastErrorMsg();
  return text.empty() ? "no reason given" : text;
}

}  // namespace

void start_gdal() {
  static std::once_flag once;
  std::call_once(once, [] { GDALAllRegister(); });
}

QuietGdal::QuietGdal() {
  CPLPushErrorHandler(CPLQuietErrorHandler);
}

QuietGdal::~QuietGdal() {
  CPLPopErrorHandler();
}

SeenFailure::SeenFailure() {
  const auto keep = [](CPLErr level, CPLErrorNum, const char* message) {
    auto& seen = *static_cast<std::string*>(CPLGetErrorHandlerUserData());
    if (level == CE_Failure && seen.empty()) seen = message;
  };
  CPLPushErrorHandlerEx(keep, &message_);
}

SeenFailure::~SeenFailure() {
  CPLPopErrorHandler();
}

void SeenFailure::throw_as_unwritten(std::string_view what) const {
  if (!message_.empty()) fail(what, "cannot be written", message_, ErrorKind::kResource);
}

BoundedCache::BoundedCache(int64_t megabytes) : before_(GDALGetCacheMax64()) {
  if (CPLGetConfigOption("GDAL_CACHEMAX", nullptr) == nullptr) GDALSetCacheMax64(megabytes * kMegabyte);
}

BoundedCache::~BoundedCache() {
  GDALSetCacheMax64(before_);
}

void fail_gdal(std::string_view what, std::string_view problem, ErrorKind kind) {
  fail(what, problem, last_message(), kind);
}

GDALDatasetUniquePtr open_raster(const std::string& name) {
  start_gdal();
  CPLErrorReset();
  GDALDatasetUniquePtr dataset(
      GDALDataset::Open(name.c_str(), GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR));
  if (!dataset) fail_gdal(name, "cannot be opened as a raster");
  if (dataset->GetRasterCount() == 0)
    fail_expected(
        {name, "a raster with bands", "none", "name one of its subdatasets, as gdalinfo lists them"});
  return dataset;
}

OGRSpatialReference system_of(const std::string& wkt) {
  OGRSpatialReference system;
  if (system.importFromWkt(wkt.c_str()) != OGRERR_NONE)
    fail_gdal("coordinate system", "cannot be read from its WKT");
  system.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  return system;
}

OGRSpatialReference degrees_system() {
  OGRSpatialReference system;
  system.SetWellKnownGeogCS("WGS84");
  system.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  return system;
}

}  // namespace ccexpert::geo

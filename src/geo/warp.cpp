#include "geo/warp.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <gdal_alg.h>
#include <gdalwarper.h>

#include <ccexpert/core/error.h>

namespace ccexpert::geo {
namespace {

/// Largest error in pixels of the positions that are interpolated.
constexpr double kPositionError = 0.125;
/// Memory in bytes of a step of warping.
constexpr double kWarpMemory = 64.0 * 1024.0 * 1024.0;
/// Pixels of both grids that are compared with the other grid, on each side.
constexpr int kProbes = 65;
/// Smallest ratio of pixel sizes from which smooth resampling averages.
constexpr double kAverageFrom = 2.0;

struct DestroyTransformer {
  void operator()(void* transformer) const { GDALDestroyTransformer(transformer); }
};
using Transformer = std::unique_ptr<void, DestroyTransformer>;

struct DestroyWarpOptions {
  void operator()(GDALWarpOptions* options) const { GDALDestroyWarpOptions(options); }
};
using WarpOptions = std::unique_ptr<GDALWarpOptions, DestroyWarpOptions>;

bool is_same(const Grid& a, const Grid& b) {
  const auto close = [](double x, double y) { return std::abs(x - y) <= 1e-6 * std::max(1e-9, std::abs(y)); };
  const auto& s = a.transform;
  const auto& t = b.transform;
  const double pixel = std::hypot(t[1], t[4]);
  const auto system = system_of(b.crs);
  return a.width == b.width && a.height == b.height && std::abs(s[0] - t[0]) < 1e-3 * pixel &&
         std::abs(s[3] - t[3]) < 1e-3 * pixel && close(s[1], t[1]) && close(s[5], t[5]) &&
         std::abs(s[2] - t[2]) < 1e-6 * pixel && std::abs(s[4] - t[4]) < 1e-6 * pixel &&
         system_of(a.crs).IsSame(&system) != 0;
}

/// Returns the conversion from pixels of a raster to pixels of the grid.
Transformer transformer_to(GDALDataset& dataset, const std::string& name, const Grid& grid) {
  const auto system = fmt::format("DST_SRS={}", grid.crs);
  const std::array<const char*, 2> options{system.c_str(), nullptr};
  CPLErrorReset();
  Transformer transformer(GDALCreateGenImgProjTransformer2(GDALDataset::ToHandle(&dataset), nullptr,
                                                           const_cast<char**>(options.data())));
  if (!transformer) fail_gdal(name, "cannot be warped to the first date");
  GDALSetGenImgProjTransformerDstGeoTransform(transformer.get(), grid.transform.data());
  return transformer;
}

/// Points that are spread over a raster.
struct Probes {
  std::vector<double> x, y, z;
  std::vector<int> good;

  Probes(int64_t width, int64_t height) {
    for (int row = 0; row < kProbes; ++row) {
      for (int column = 0; column < kProbes; ++column) {
        x.push_back((column + 0.5) / kProbes * static_cast<double>(width));
        y.push_back((row + 0.5) / kProbes * static_cast<double>(height));
      }
    }
    z.resize(x.size());
    good.resize(x.size());
  }

  bool any_within(int64_t width, int64_t height) const {
    for (size_t i = 0; i < x.size(); ++i) {
      if (good[i] != 0 && x[i] >= 0.0 && y[i] >= 0.0 && x[i] < static_cast<double>(width) &&
          y[i] < static_cast<double>(height))
        return true;
    }
    return false;
  }
};

bool meets(void* transformer, bool from_grid, const Grid& grid, const Grid& source) {
  const auto& from = from_grid ? grid : source;
  const auto& to = from_grid ? source : grid;
  Probes probes(from.width, from.height);
  const QuietGdal quiet;
  GDALGenImgProjTransform(transformer, from_grid ? TRUE : FALSE, static_cast<int>(probes.x.size()),
                          probes.x.data(), probes.y.data(), probes.z.data(), probes.good.data());
  return probes.any_within(to.width, to.height);
}

/// Returns the number of pixels of the raster along one of the grid, at its centre.
double pixels_within_one(void* transformer, const Grid& grid) {
  const double x = static_cast<double>(grid.width) / 2.0;
  const double y = static_cast<double>(grid.height) / 2.0;
  std::array<double, 2> xs{x, x + 1.0};
  std::array<double, 2> ys{y, y};
  std::array<double, 2> zs{};
  std::array<int, 2> good{};
  GDALGenImgProjTransform(transformer, TRUE, 2, xs.data(), ys.data(), zs.data(), good.data());
  return good[0] != 0 && good[1] != 0 ? std::hypot(xs[1] - xs[0], ys[1] - ys[0]) : 1.0;
}

void set_bands(GDALWarpOptions& options, GDALDataset& dataset, const std::vector<int>& bands) {
  const auto count = bands.size();
  options.nBandCount = static_cast<int>(count);
  options.panSrcBands = static_cast<int*>(CPLMalloc(sizeof(int) * count));
  options.panDstBands = static_cast<int*>(CPLMalloc(sizeof(int) * count));
  for (size_t i = 0; i < count; ++i) {
    options.panSrcBands[i] = bands[i];
    options.panDstBands[i] = static_cast<int>(i) + 1;
  }
  options.nDstAlphaBand = static_cast<int>(count) + 1;
  for (int i = 1; i <= dataset.GetRasterCount(); ++i) {
    if (dataset.GetRasterBand(i)->GetColorInterpretation() == GCI_AlphaBand) options.nSrcAlphaBand = i;
  }
}

/// Tells the warper which values are no data.
void set_no_data(GDALWarpOptions& options, GDALDataset& dataset, const std::vector<int>& bands) {
  int has_none = 0;
  dataset.GetRasterBand(bands.front())->GetNoDataValue(&has_none);
  if (has_none == 0) return;
  options.padfSrcNoDataReal = static_cast<double*>(CPLMalloc(sizeof(double) * bands.size()));
  for (size_t i = 0; i < bands.size(); ++i)
    options.padfSrcNoDataReal[i] = dataset.GetRasterBand(bands[i])->GetNoDataValue(nullptr);
  options.papszWarpOptions = CSLSetNameValue(options.papszWarpOptions, "UNIFIED_SRC_NODATA", "YES");
}

WarpOptions warp_options(GDALDataset& dataset, const std::vector<int>& bands, GDALResampleAlg algorithm) {
  WarpOptions options(GDALCreateWarpOptions());
  options->hSrcDS = GDALDataset::ToHandle(&dataset);
  options->eResampleAlg = algorithm;
  options->dfWarpMemoryLimit = kWarpMemory;
  options->papszWarpOptions = CSLSetNameValue(options->papszWarpOptions, "INIT_DEST", "0");
  set_bands(*options, dataset, bands);
  set_no_data(*options, dataset, bands);
  return options;
}

GDALResampleAlg algorithm_of(Resampling resampling, void* transformer, const Grid& grid) {
  if (resampling == Resampling::kNearest) return GRA_NearestNeighbour;
  return pixels_within_one(transformer, grid) >= kAverageFrom ? GRA_Average : GRA_Bilinear;
}

GDALDatasetUniquePtr warped(GDALDataset& dataset, const std::string& name, const Grid& grid,
                            WarpOptions options, Transformer transformer) {
  // The warped raster destroys the conversion with itself.
  options->pTransformerArg =
      GDALCreateApproxTransformer(GDALGenImgProjTransform, transformer.release(), kPositionError);
  options->pfnTransformer = GDALApproxTransform;
  GDALApproxTransformerOwnsSubtransformer(options->pTransformerArg, TRUE);
  auto transform = grid.transform;
  GDALDatasetUniquePtr result(GDALDataset::FromHandle(
      GDALCreateWarpedVRT(GDALDataset::ToHandle(&dataset), static_cast<int>(grid.width),
                          static_cast<int>(grid.height), transform.data(), options.get())));
  if (!result) fail_gdal(name, "cannot be warped to the first date");
  return result;
}

}  // namespace

Raster open_on_grid(const std::string& name, const Grid& grid, const std::vector<int64_t>& asked,
                    Resampling resampling) {
  auto dataset = open_raster(name);
  const auto bands = chosen_bands(*dataset, name, asked);
  const bool has_points = dataset->GetGCPCount() > 0;
  Grid own{.width = dataset->GetRasterXSize(), .height = dataset->GetRasterYSize()};
  if (!has_points) {
    own = grid_of(*dataset, name);
    if (is_same(own, grid)) return {std::move(dataset), name, bands};
  }
  auto transformer = transformer_to(*dataset, name, grid);
  if (!meets(transformer.get(), true, grid, own) && !meets(transformer.get(), false, grid, own))
    fail_expected({name, "a raster that overlaps the first date", "one of other ground"});
  const bool indexed = dataset->GetRasterBand(bands.front())->GetColorTable() != nullptr;
  const auto algorithm = algorithm_of(indexed ? Resampling::kNearest : resampling, transformer.get(), grid);
  auto options = warp_options(*dataset, bands, algorithm);
  auto result = warped(*dataset, name, grid, std::move(options), std::move(transformer));
  std::vector<int> numbers(bands.size());
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int>(i) + 1;
  // The warped raster keeps this one open.
  dataset.release()->ReleaseRef();
  return {std::move(result), name, numbers, static_cast<int>(bands.size()) + 1};
}

}  // namespace ccexpert::geo

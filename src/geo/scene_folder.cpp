#include "geo/scene_folder.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>

#include "core/file_names.h"
#include "core/files.h"
#include "core/folder_entries.h"
#include "core/foreign_errors.h"
#include "core/printable.h"
#include "core/utf8.h"
#include "geo/gdal_use.h"
#include "geo/shared/scene_date.h"
#include "geo/shared/scene_folder.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;

constexpr std::array kEndings{".tif", ".tiff", ".vrt", ".jp2"};

/// Returns a number of a band's metadata about a block; 0 without it.
uint64_t block_number(GDALRasterBand& band, const char* what, int x, int y) {
  const char* text = band.GetMetadataItem(fmt::format("BLOCK_{}_{}_{}", what, x, y).c_str(), "TIFF");
  uint64_t number = 0;
  if (text != nullptr) std::from_chars(text, text + std::string_view(text).size(), number);
  return number;
}

/// True if a file has all blocks of a band that its header names. Other formats than TIFF name none.
bool has_blocks(GDALRasterBand& band, uintmax_t file_size) {
  int width = 0, height = 0;
  band.GetBlockSize(&width, &height);
  const int columns = (band.GetXSize() + width - 1) / width;
  const int rows = (band.GetYSize() + height - 1) / height;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      if (block_number(band, "OFFSET", x, y) + block_number(band, "SIZE", x, y) > file_size) return false;
    }
  }
  return true;
}

bool can_read_corners(GDALRasterBand& band) {
  const int right = band.GetXSize() - 1, bottom = band.GetYSize() - 1;
  double value[2];
  for (const auto& [x, y] : {std::pair{0, 0}, {right, 0}, {0, bottom}, {right, bottom}}) {
    if (band.RasterIO(GF_Read, x, y, 1, 1, value, 1, 1, GDT_CFloat64, 0, 0, nullptr) != CE_None) return false;
  }
  return true;
}

/// Rasters of folders, each of which is read once: links can lead back to a folder above.
class RasterFiles {
 public:
  explicit RasterFiles(bool with_folders) : with_folders_(with_folders) {}

  void collect(const fs::path& folder) {
    std::error_code code;
    if (!folders_.insert(fs::canonical(folder, code)).second) return;
    for (const auto& entry : folder_entries(folder)) {
      if (is_hidden(entry)) continue;
      if (is_folder(entry)) {
        if (with_folders_) collect(entry);
      } else if (std::ranges::find(kEndings, lower_extension(entry)) != kEndings.end()) {
        found_.push_back(entry);
      }
    }
  }

  std::vector<fs::path> take() { return std::move(found_); }

 private:
  bool with_folders_;
  std::set<fs::path> folders_;
  std::vector<fs::path> found_;
};

}  // namespace

std::vector<fs::path> raster_files(const fs::path& folder, bool with_folders) {
  RasterFiles rasters(with_folders);
  rasters.collect(folder);
  return rasters.take();
}

std::string raster_endings() {
  return fmt::format("{}", fmt::join(kEndings, ", "));
}

std::string missing_part(const fs::path& raster) try {
  const QuietGdal quiet;
  const auto dataset = open_raster(raster.string());
  const auto size = fs::file_size(raster);
  for (int i = 1; i <= dataset->GetRasterCount(); ++i) {
    auto& band = *dataset->GetRasterBand(i);
    if (!has_blocks(band, size) || !can_read_corners(band)) return "the file is not whole";
  }
  return "";
} catch (const Fault&) {
  throw;
} catch (const Error& error) {
  return error.what();
}

bool SceneFolder::is_settled(const std::string& name, const fs::path& file) {
  const Seen now{fs::file_size(file), fs::last_write_time(file), Clock::now()};
  auto& seen = seen_.try_emplace(name, now).first->second;
  if (seen.size != now.size || seen.changed != now.changed) seen = now;
  // Clocks of other machines may differ: what has not changed since an earlier look is settled too.
  return fs::file_time_type::clock::now() - now.changed >= settle_ || now.since - seen.since >= settle_;
}

Look SceneFolder::look(const Known& known) {
  Look result;
  for (const auto& file : raster_files(folder_, true)) {
    const auto name = fs::relative(file, folder_).string();
    if (known(name)) continue;
    if (first_invalid_utf8(file.string()) != std::string::npos) {
      // The journal of a watch is JSON: it would have another name.
      result.unready.push_back({printable(name), "expected a path in UTF-8, got other bytes (rename it)"});
      continue;
    }
    try {
      if (!is_settled(name, file)) {
        result.waits = true;
      } else if (auto reason = missing_part(file); !reason.empty()) {
        result.unready.push_back({name, std::move(reason)});
      } else {
        result.scenes.push_back({name, file.string(), time_of_scene("", file.string())});
      }
    } catch (const fs::filesystem_error&) {
      // Removed since the folder was read.
      continue;
    } catch (const Fault&) {
      throw;
    } catch (const Error& error) {
      result.unready.push_back({name, error.what()});
    }
  }
  return result;
}

}  // namespace ccexpert::geo

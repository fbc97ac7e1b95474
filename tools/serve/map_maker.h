// Maps that a server makes, if the program was built with GDAL.
#pragma once

#include <filesystem>

#include "serve/shared/maps.h"

namespace ccexpert::tools {

/// Returns the maker of maps of the rasters in a folder. Throws Error in a program without GDAL.
serve::MapMaker map_maker(const std::filesystem::path& root, const serve::MapLimits& limits);

}  // namespace ccexpert::tools

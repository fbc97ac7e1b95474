#include <ccexpert/core/error.h>

#include "serve/map_maker.h"

namespace ccexpert::tools {

serve::MapMaker map_maker(const std::filesystem::path& /*root*/, const serve::MapLimits& /*limits*/) {
  fail("--map-root", "this program makes no maps", "it was built without GDAL");
}

}  // namespace ccexpert::tools

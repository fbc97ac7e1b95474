// Model of a map that is loaded for the first tile.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <ccexpert/captioner.h>
#include <ccexpert/geo/map.h>

#include "map/map_options.h"

namespace ccexpert::tools {

/// Returns the identity of the captions of a command, as ccexpert-caption has it.
std::string settings_of(const MapCommand& command);

/// Model that is loaded for the first tile: a wrong raster is reported at once. The command must outlive it.
class LateModel {
 public:
  LateModel(const MapCommand& command, const std::stop_token& stop);

  geo::MapModel functions();

 private:
  const Captioner& captioner();

  const MapCommand& command_;
  CaptionOptions options_;
  std::unique_ptr<Captioner> captioner_;
};

}  // namespace ccexpert::tools

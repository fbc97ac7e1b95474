// Scenes of a static STAC catalogue.
#pragma once

#include <string>

#include "geo/scene_source.h"

namespace ccexpert::geo {

/// Items of a catalogue, a collection, an item or a list of items in JSON, and of all catalogues below it.
/// Documents that are not known are read at each look, items once.
class StacCatalogue : public SceneSource {
 public:
  /// `address` is a path, a URL or a name of GDAL's; `asset` is the key of the raster of an item. Empty:
  /// visual, else the first GeoTIFF with the role data, else the first one.
  StacCatalogue(std::string address, std::string asset)
      : address_(std::move(address)), asset_(std::move(asset)) {}

  Look look(const Known& known) override;

 private:
  std::string address_;
  std::string asset_;
};

}  // namespace ccexpert::geo

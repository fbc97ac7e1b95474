// Scenes that come to a place.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace ccexpert::geo {

/// Scene of a folder or a catalogue.
struct WatchedScene {
  std::string name;       ///< unique: path below the folder, or address of the item
  std::string raster;     ///< for GDAL
  std::string time = {};  ///< as 2019-05-01T00:00:00Z; empty: unknown
  std::optional<std::array<double, 4>> bounds = {};  ///< west, south, east, north, if a catalogue has them
};

/// Scene that cannot be used yet, and the reason.
struct Unready {
  std::string name;
  std::string reason;
};

/// What a source has at one moment, without the scenes that are known.
struct Look {
  std::vector<WatchedScene> scenes;
  std::vector<Unready> unready;
  bool waits = false;  ///< some files may still be growing; they are in neither list
};

class SceneSource {
 public:
  using Known = std::function<bool(const std::string& name)>;

  virtual ~SceneSource() = default;
  /// Returns the scenes with names that are not known. Throws Error if the source cannot be read.
  virtual Look look(const Known& known) = 0;
};

}  // namespace ccexpert::geo

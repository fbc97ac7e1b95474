// Scenes that are copied to a folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "geo/scene_source.h"

namespace ccexpert::geo {

/// Rasters in a folder and those below it. A file counts as soon as it is whole: it has not changed for a
/// time, and the blocks that its header names are in it.
class SceneFolder : public SceneSource {
 public:
  SceneFolder(std::filesystem::path folder, std::chrono::duration<double> settle)
      : folder_(std::move(folder)), settle_(settle) {}

  Look look(const Known& known) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Seen {
    uintmax_t size = 0;
    std::filesystem::file_time_type changed;
    Clock::time_point since;  ///< first look at which it was so
  };

  bool is_settled(const std::string& name, const std::filesystem::path& file);

  std::filesystem::path folder_;
  std::chrono::duration<double> settle_;
  std::map<std::string, Seen> seen_;
};

/// Returns nothing for a raster that is whole, else a reason: it cannot be opened, or blocks are missing.
std::string missing_part(const std::filesystem::path& raster);

}  // namespace ccexpert::geo

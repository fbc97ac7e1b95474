// Tool map_changes of the Model Context Protocol.
#pragma once

#include <mutex>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "serve/http.h"
#include "serve/map_folder.h"
#include "serve/shared/maps.h"

namespace ccexpert::serve {

class App;
class TileJobs;

/// Thread-safe.
class MapTool {
 public:
  /// Throws Error unless the maker's root is a folder.
  explicit MapTool(MapMaker maker) : maker_(std::move(maker)), folder_(maker_.root) {}

  static constexpr const char* kName = "map_changes";

  /// Returns the tool for tools/list, with the names of the first scenes.
  nlohmann::ordered_json listed() const;
  /// Returns the result of a call. Throws HttpError 429 while another map is made, and Error for arguments
  /// that do not fit; no error has a path of this machine.
  nlohmann::ordered_json call(App& app, const Request& request, Exchange& exchange,
                              const nlohmann::json& arguments);

 private:
  AskedMap asked(const nlohmann::json& arguments) const;
  MadeMap made(const AskedMap& map, TileJobs& jobs) const;
  nlohmann::ordered_json answer(const MadeMap& made, const nlohmann::json& arguments,
                                int64_t most_changes) const;

  MapMaker maker_;
  MapFolder folder_;
  std::mutex mutex_;  ///< held while a map is made
};

}  // namespace ccexpert::serve

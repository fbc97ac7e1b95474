// Events of a watch on disk, from which a killed watch goes on.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "geo/append_file.h"
#include "geo/scene_source.h"

namespace ccexpert::geo {

/// Scene that later ones are compared with.
struct AcceptedScene {
  WatchedScene scene;
  std::string ground;  ///< Footprint::wkt
};

/// Alerts that a webhook has not taken yet.
struct Delivery {
  std::string key;
  nlohmann::ordered_json body;
};

/// JSON Lines: an event for each scene that was handled, and for each delivery. An event is on disk before
/// its effects are.
class WatchJournal {
 public:
  /// Reads the events of a journal, or makes one; a partial last line is removed. Throws Error for a file of
  /// another kind, and if another process is writing it.
  explicit WatchJournal(const std::filesystem::path& path);

  bool knows(const std::string& name) const { return names_.contains(name); }
  bool has_scenes() const { return !names_.empty(); }
  const std::vector<AcceptedScene>& accepted() const { return accepted_; }
  const nlohmann::ordered_json& alerts() const { return alerts_; }
  const std::vector<Delivery>& deliveries() const { return deliveries_; }
  /// Returns the number of maps so far.
  int64_t maps() const { return maps_; }

  /// Adds a scene that is not used, with the reason: "outside" or "older".
  void leave_out(const WatchedScene& scene, std::string_view reason);
  /// Adds the first scene of its ground.
  void start(const AcceptedScene& scene);
  /// Adds a scene with the alerts of its map; `webhook`: they are to be delivered.
  void add_map(const AcceptedScene& scene, const nlohmann::ordered_json& map, bool webhook);
  void mark_delivered(const std::string& key);

 private:
  void write(const nlohmann::ordered_json& event);
  void take(const nlohmann::ordered_json& event);

  AppendFile file_;
  std::set<std::string> names_;
  std::vector<AcceptedScene> accepted_;
  nlohmann::ordered_json alerts_ = nlohmann::ordered_json::array();
  std::vector<Delivery> deliveries_;
  int64_t maps_ = 0;
};

}  // namespace ccexpert::geo

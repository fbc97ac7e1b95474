#include "geo/watch_journal.h"

#include <algorithm>
#include <fstream>

#include <ccexpert/core/error.h>

#include "core/atomic_file.h"
#include "core/json.h"
#include "geo/digest.h"

namespace ccexpert::geo {
namespace {

using nlohmann::ordered_json;

constexpr const char* kFormat = "ccexpert-watch 1";

ordered_json event_of(std::string_view kind, const WatchedScene& scene) {
  ordered_json event{{"event", kind}, {"scene", scene.name}, {"raster", scene.raster}};
  if (!scene.time.empty()) event["time"] = scene.time;
  return event;
}

}  // namespace

WatchJournal::WatchJournal(const std::filesystem::path& path) : file_(path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::streamoff whole = 0;
  while (std::getline(file, line) && !file.eof()) {
    const auto event = parse_ordered_json(line, path.string());
    if (whole == 0 && (!event.is_object() || event.value("format", "") != kFormat))
      fail_expected({path.string(), "a journal of ccexpert-watch", "another file"});
    if (whole > 0) take(event);
    whole += static_cast<std::streamoff>(line.size()) + 1;
  }
  file_.cut(whole);
  if (whole == 0) {
    file_.append(ordered_json{{"format", kFormat}}.dump() + "\n");
    flush_folder(path.parent_path());
  }
}

void WatchJournal::take(const ordered_json& event) {
  const auto kind = event.at("event").get<std::string>();
  if (kind == "delivered") {
    const auto key = event.at("key").get<std::string>();
    std::erase_if(deliveries_, [&](const Delivery& each) { return each.key == key; });
    return;
  }
  const WatchedScene scene{
      .name = event.at("scene"), .raster = event.at("raster"), .time = event.value("time", "")};
  names_.insert(scene.name);
  if (kind == "start" || kind == "map") accepted_.push_back({scene, event.at("ground")});
  if (kind != "map") return;
  ++maps_;
  const auto& alerts = event.at("alerts");
  for (const auto& alert : alerts) alerts_.push_back(alert);
  if (!event.value("webhook", false) || alerts.empty()) return;
  ordered_json body{{"type", "FeatureCollection"},
                    {"from", event.at("from")},
                    {"to", event.at("scene")},
                    {"map", event.at("map")},
                    {"features", alerts}};
  deliveries_.push_back({digest(body.dump()), std::move(body)});
}

void WatchJournal::write(const ordered_json& event) {
  file_.append(event.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  take(event);
}

void WatchJournal::leave_out(const WatchedScene& scene, std::string_view reason) {
  write(event_of(reason, scene));
}

void WatchJournal::start(const AcceptedScene& scene) {
  auto event = event_of("start", scene.scene);
  event["ground"] = scene.ground;
  write(event);
}

void WatchJournal::add_map(const AcceptedScene& scene, const ordered_json& map, bool webhook) {
  auto event = event_of("map", scene.scene);
  event["ground"] = scene.ground;
  event.update(map);
  event["webhook"] = webhook;
  write(event);
}

void WatchJournal::mark_delivered(const std::string& key) {
  write({{"event", "delivered"}, {"key", key}});
}

}  // namespace ccexpert::geo

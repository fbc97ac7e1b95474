// Watch over a place: new scenes are mapped against the last one, and their changes become alerts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include <ccexpert/geo/map.h>

namespace ccexpert::geo {

struct WatchOptions {
  std::string source;  ///< folder, or address of a STAC catalogue
  /// Folder for the journal, the feed and the maps.
  std::filesystem::path output;
  MapOptions map =
      {};  ///< conversion, tiles and area of interest; its scenes and output are set for each map

  bool once = false;         ///< ends after all scenes that are there
  double interval = 60.0;    ///< seconds between two looks
  double settle = 10.0;      ///< seconds for which a file must not have changed
  std::string asset = {};    ///< key of the raster in items of a catalogue; empty: chosen by type
  std::string since = {};    ///< scenes of an earlier time are left out, as 2019-05-01; empty: none
  std::string webhook = {};  ///< URL that gets the alerts of each map; empty: none
  std::string token = {};    ///< for the webhook's header Authorization; empty: none
  int64_t attempts = 5;      ///< of a delivery, if `once`; else there is no limit
  double retry = 1.0;        ///< seconds before the second attempt; before each later one twice as many
};

/// Counts of one run.
struct WatchSummary {
  int64_t maps = 0;
  int64_t alerts = 0;
  int64_t failed = 0;       ///< scenes that could not be used; they are tried again
  int64_t undelivered = 0;  ///< maps whose alerts the webhook has not taken; they are sent again
  bool interrupted = false;
};

/// Reports of a run; each function may be empty.
struct WatchReports {
  MapReports map = {};
  std::function<void(const std::string& line)> note = {};
};

/// Maps new scenes until a stop is requested, or all are done if `once`. Results are safe on disk scene by
/// scene: after a kill, a run with the same options goes on, and gives the alerts of an uninterrupted one.
/// Throws Error if the source cannot be read at the start or with `once`, if no scene was ever found with
/// `once`, and if the output cannot be written.
WatchSummary watch(const WatchOptions& options, const MapModel& model, const WatchReports& reports = {},
                   const std::stop_token& stop = {});

}  // namespace ccexpert::geo

// Command line of ccexpert-watch.
#pragma once

#include "common/command_line.h"
#include "geo/shared/watch.h"
#include "map/map_options.h"
#include "versions/versions.h"

namespace ccexpert::tools {

struct WatchCommand {
  geo::WatchOptions watch;
  MapCommand map;  ///< options of the maps, and of the model
};

struct ParsedWatchCommand : Leave {
  WatchCommand command = {};
};

/// Parses the command line. Never throws for wrong arguments: they become exit code 2 and one line of text.
ParsedWatchCommand parse_watch_command(int count, const char* const* arguments,
                                       std::string (*version)(const std::string&) = version_text);

}  // namespace ccexpert::tools

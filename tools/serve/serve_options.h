// Command line of ccexpert-serve.
#pragma once

#include <filesystem>
#include <string>

#include <ccexpert/captioner.h>

#include "common/command_line.h"
#include "generate/shared/service_limits.h"
#include "serve/shared/maps.h"
#include "serve/shared/request_limits.h"
#include "serve/shared/server_config.h"

namespace ccexpert::tools {

struct ServeCommand {
  std::filesystem::path model;
  CaptionerConfig captioner;
  serve::ServerConfig server;
  serve::RequestLimits requests;
  std::string name;  ///< of the model, for clients
  generate::ServiceLimits service;
  std::filesystem::path map_root;  ///< clients may map rasters below it; empty: none
  serve::MapLimits maps;
  double drain = 30.0;        ///< seconds that requests have at the end
  bool allow_anyone = false;  ///< other machines need no key
  bool quiet = false;

  /// True if the server may listen at addresses that other machines reach.
  bool is_guarded() const { return allow_anyone || !server.api_keys.empty(); }
};

struct ParsedServe : Leave {
  ServeCommand command;
};

ParsedServe parse_serve_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools

// Command line of ccexpert-map.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <ccexpert/captioner.h>
#include <ccexpert/geo/map.h>

#include "common/command_line.h"
#include "versions/versions.h"

namespace CLI {
class App;
}  // namespace CLI

namespace ccexpert::tools {

struct MapCommand {
  geo::MapOptions map;
  std::vector<std::string> scenes;  ///< BEFORE and AFTER
  std::filesystem::path series;     ///< folder or list of more dates, in place of them

  std::filesystem::path model;
  CaptionerConfig captioner;
  std::string prompt;
  generate::GenerationOptions generation;
  double keep_tokens = 1.0;
  bool all = false;  ///< --all
  bool quiet = false;

  bool merge = false;  ///< the command merge
  std::vector<std::filesystem::path> shards;
};

struct ParsedMapCommand : Leave {
  MapCommand command = {};
};

/// Adds the options of a map that do not name its scenes and outputs: conversion of samples, tiles, model.
void add_conversion_options(CLI::App& app, MapCommand& command);
void add_tile_options(CLI::App& app, MapCommand& command);
void add_map_model_options(CLI::App& app, MapCommand& command);

/// Throws Error unless these options fit together; --all becomes a threshold, and no model the demo model.
void check_map_options(MapCommand& command);

/// Parses the command line. Never throws for wrong arguments: they become exit code 2 and one line of text.
ParsedMapCommand parse_map_command(int count, const char* const* arguments,
                                   std::string (*version)(const std::string&) = version_text);

}  // namespace ccexpert::tools

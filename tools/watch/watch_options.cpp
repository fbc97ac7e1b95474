#include "watch/watch_options.h"

#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "common/option_group.h"

namespace ccexpert::tools {
namespace {

constexpr const char* kName = "ccexpert-watch";

constexpr const char* kExamples = R"(Examples:
  ccexpert-watch incoming/ --aoi harbour.geojson -o harbour/
  ccexpert-watch https://example.org/stac/catalog.json --aoi harbour.geojson -o harbour/ --asset visual
  ccexpert-watch incoming/ -o harbour/ --webhook https://example.org/alerts --interval 300
  ccexpert-watch incoming/ -o harbour/ --once

The variable CCEXPERT_WEBHOOK_TOKEN is sent to the webhook as "Authorization: Bearer TOKEN".

Exit codes: 0 done or stopped, 1 failed, 2 wrong arguments, 3 with --once: some scenes failed or alerts were not
delivered, 130 and 143 with --once: interrupted.)";

void add_source_options(CLI::App& app, WatchCommand& command) {
  OptionGroup group(app, "Input");
  auto& watch = command.watch;
  app.add_option("source", watch.source,
                 "folder to which scenes are copied, or a static STAC catalogue: path or URL of catalog.json")
      ->type_name("DIR|CATALOGUE")
      ->group("Input");
  group.text("--asset", watch.asset,
             "raster of a catalogue's items (visual, else the first GeoTIFF with data)", "KEY");
  group.text("--since", watch.since, "leave out scenes of an earlier date", "DATE")->check(some_text());
  group.value("--settle", watch.settle, "seconds for which a file must not have changed", at_least(0));
}

void add_watch_options(CLI::App& app, WatchCommand& command) {
  OptionGroup group(app, "Watch");
  auto& watch = command.watch;
  group.flag("--once", watch.once, "end after all scenes that are there");
  group.value("--interval", watch.interval, "seconds between two looks at the source", at_least(1));
  group.text("--webhook", watch.webhook, "address that the alerts of each map are sent to", "URL");
  group.value("--webhook-attempts", watch.attempts, "attempts of a delivery with --once", at_least(1));
}

void add_watch_output(CLI::App& app, WatchCommand& command) {
  OptionGroup group(app, "Output");
  group.folder("-o,--output", command.watch.output,
               "folder for alerts.geojson, the maps and the journal, from which a later run goes on");
  group.flag("--check-swap", command.map.map.check_swap,
             "fill unsure: also caption each tile with its dates swapped and against itself");
  group.flag("-q,--quiet", command.map.quiet, "print only errors");
}

void check(WatchCommand& command) {
  auto& watch = command.watch;
  expect(!watch.source.empty(), "input: expected a folder or a STAC catalogue, got none");
  expect(!watch.output.empty(), "--output: expected a folder, got none");
  check_map_options(command.map);
  if (const char* token = std::getenv("CCEXPERT_WEBHOOK_TOKEN"); token != nullptr) watch.token = token;
}

}  // namespace

ParsedWatchCommand parse_watch_command(int count, const char* const* arguments,
                                       std::string (*version)(const std::string&)) {
  ParsedWatchCommand parsed;
  auto& command = parsed.command;
  CommonOptions common{.version_text = version};
  CLI::App app(
      "Watches a folder or a STAC catalogue: describes in words what changed in each new scene since the "
      "last "
      "one, as alerts for a GIS and for a webhook (CCExpert).",
      kName);
  app.get_formatter()->column_width(34);
  app.footer(kExamples);
  add_source_options(app, command);
  add_conversion_options(app, command.map);
  add_watch_options(app, command);
  add_tile_options(app, command.map);
  add_map_model_options(app, command.map);
  add_watch_output(app, command);
  add_common_options(app, common);
  static_cast<Leave&>(parsed) = parse_command_line(app, count, arguments, common, [&] { check(command); });
  return parsed;
}

}  // namespace ccexpert::tools

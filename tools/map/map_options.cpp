#include "map/map_options.h"

#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/text/prompt.h>

#include "caption/model_options.h"
#include "common/option_group.h"

namespace ccexpert::tools {
namespace {

constexpr const char* kName = "ccexpert-map";

constexpr const char* kExamples = R"(Examples:
  ccexpert-map before.tif after.tif -o changes.gpkg
  ccexpert-map --model CCExpert-0.5b 2018.tif 2023.tif -o changes.geojson --tile 128m --overlap 16m
  ccexpert-map 2018.vrt /vsicurl/https://example.org/2023.tif -o changes.gpkg --bands 3,2,1 --stretch 1,99
  ccexpert-map before.tif after.tif -o changes.gpkg --aoi county.gpkg --mask clouds.tif --resume
  ccexpert-map --series dates/ -o timeline.gpkg --resume
  ccexpert-map before.tif after.tif -o changes.gpkg --shard 3/8
  ccexpert-map merge -o changes.gpkg

Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 some tiles failed, 130 and 143 interrupted.)";

constexpr const char* kMergeFooter =
    R"(Every process of --shard I/N writes a file OUTPUT.shard-I-of-N. This command makes the layers of all of them.)";

void add_scene_options(CLI::App& app, MapCommand& command) {
  OptionGroup group(app, "Input");
  app.add_option(
         "scenes", command.scenes,
         "georeferenced rasters of both dates, by any name that GDAL opens; the second one is warped to "
         "the grid of the first")
      ->type_name("BEFORE AFTER")
      ->group("Input");
  group.file(
      "--series", command.series,
      "folder of rasters, or list of them, as dates of one place in the order of time, in place of BEFORE "
      "AFTER");
}

void add_output(CLI::App& app, MapCommand& command) {
  OptionGroup group(app, "Output");
  group.named_output("-o,--output", command.map.output,
                     "file to write: .gpkg, .geojson (RFC 7946), .fgb or .csv");
  group.flag("--overwrite", command.map.overwrite, "replace existing files");
  group.flag("-q,--quiet", command.quiet, "print only errors");
}

void add_map_output(CLI::App& app, MapCommand& command) {
  OptionGroup group(app, "Output");
  OptionGroup(app, "Tiles")
      .value("--shard", command.map.shard, "caption this part of the tiles, for ccexpert-map merge");
  group.flag("--resume", command.map.resume, "continue an interrupted map");
  group.named_output("--heatmap", command.map.heatmap,
                     "also write the change as a Cloud-Optimised GeoTIFF, blended where tiles overlap");
  group.named_output("--report", command.map.report,
                     "also write a page with the changed tiles: dates under a slider, heatmap, caption");
  group.flag("--words", command.map.words,
             "light up the place of each word of a caption on the page of --report");
  group.flag("--merge", command.map.merge, "join changed ground that reaches over several tiles");
  group.flag("--check-swap", command.map.check_swap,
             "fill the field unsure: also caption each tile with its dates swapped and against itself");
}

CLI::App* add_merge(CLI::App& app, MapCommand& command) {
  auto* merge = app.add_subcommand("merge", "write the layers of a map from the files of its shards");
  merge->footer(kMergeFooter);
  merge->add_option("shards", command.shards, "files of all shards (those beside the output)")
      ->type_name("SHARD");
  add_output(*merge, command);
  return merge;
}

void check(MapCommand& command) {
  expect(!command.map.output.empty(), "--output: expected a file to write, got none");
  geo::expect_format(command.map.output);
  if (command.merge) return;
  if (command.series.empty()) {
    expect(command.scenes.size() == 2,
           fmt::format("input: expected two rasters, BEFORE AFTER, got {}", command.scenes.size()));
    command.map.before = command.scenes[0];
    command.map.after = command.scenes[1];
  } else {
    expect(command.scenes.empty(), "input: expected BEFORE AFTER or --series, got both");
    expect(command.map.heatmap.empty(), "--heatmap: expected BEFORE AFTER, got --series");
  }
  expect(!command.map.words || !command.map.report.empty(), "--words: expected with --report, got none");
  expect(!(command.map.resume && command.map.overwrite),
         "output: expected --resume or --overwrite, got both");
  check_map_options(command);
}

/// Usage text: CLI11 knows single options but not their combinations.
class MapHelp : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App* app, std::string name) const override {
    if (app->get_name() != kName) return CLI::Formatter::make_usage(app, name);
    return fmt::format(
        "Usage: {0} [OPTIONS] BEFORE AFTER -o FILE\n"
        "       {0} [OPTIONS] --series DIR|LIST -o FILE\n"
        "       {0} merge [OPTIONS] -o FILE [SHARD...]\n",
        kName);
  }
};

}  // namespace

void add_conversion_options(CLI::App& app, MapCommand& command) {
  OptionGroup group(app, "Input");
  auto& map = command.map;
  app.add_option("--bands", map.bands, "red, green and blue band, or one grey band (by colour, else 1,2,3)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("N,N,N")
      ->check(whole_number(at_least(1)))
      ->group("Input");
  group.value("--stretch", map.stretch, "conversion to 8 bits; percentiles are those of each band and date");
  group.flag("--match-radiometry", map.match_radiometry,
             "give the second date the mean and contrast of the first, band by band");
  group.value("--register", map.registration,
              "estimate shifts between the dates per block of 4 x 4 tiles, to report or to correct them");
  group.repeated("--mask", map.masks,
                 "raster that is not 0 at pixels to skip, such as clouds; may be repeated", "FILE");
  group.text("--aoi", map.area, "vector file with the area of interest, in any coordinate system", "FILE");
  group.value("--min-valid", map.min_valid, "share of valid pixels below which a tile is skipped",
              in_range(0, 1));
}

void add_tile_options(CLI::App& app, MapCommand& command) {
  OptionGroup group(app, "Tiles");
  group.value("--tile", command.map.tile, "side of a tile");
  group.value("--overlap", command.map.overlap, "overlap of neighbouring tiles");
  group.value("--threshold", command.map.threshold,
              "score from which a tile is captioned (0.5 if the model is calibrated, else 0: every tile)",
              in_range(0, 1));
  group.flag("--all", command.all, "caption every tile, whatever its score");
  group.value("--changed-from", command.map.changed_from,
              "value of changed ground in a tile's map (the calibration's, else 0.5)", in_range(0, 1));
}

void add_map_model_options(CLI::App& app, MapCommand& command) {
  OptionGroup group(app, "Model");
  add_model_folder(group, command.model);
  group.folder("--adapter", command.captioner.adapter, "LoRA adapter of the model in PEFT's format");
  add_device_options(group, command.captioner);
  group.text("-p,--prompt", command.prompt, "own question (default: the checkpoint's, else the reference's)")
      ->check(some_text());
  group.value("--keep-tokens", command.keep_tokens, "share of the image tokens that the decoder sees",
              in_range(open(0), 1));
  add_decoding_options(group, command.generation, false);
  group.value("-b,--batch-size", command.map.batch, "tiles in flight at once; captions do not depend on it",
              in_range(1, 4096));
  group.value("--cache-mb", command.map.cache_megabytes,
              "memory for blocks of the rasters in MB, unless GDAL_CACHEMAX is set", in_range(1, 1'000'000));
}

void check_map_options(MapCommand& command) {
  const auto bands = command.map.bands.size();
  expect(bands == 0 || bands == 1 || bands == 3,
         fmt::format("--bands: expected one or three, got {}", bands));
  expect(!command.all || !command.map.threshold, "--all: expected without --threshold");
  if (command.all) command.map.threshold = 0.0;
  use_demo_model(command.model);
  command.generation.validate();
  if (!command.prompt.empty()) text::complete_question(command.prompt);
}

ParsedMapCommand parse_map_command(int count, const char* const* arguments,
                                   std::string (*version)(const std::string&)) {
  ParsedMapCommand parsed;
  auto& command = parsed.command;
  CommonOptions common{.version_text = version};
  CLI::App app(
      "Describes in words what changed between two georeferenced scenes, tile by tile, as layers for a "
      "GIS (CCExpert).",
      kName);
  app.formatter(std::make_shared<MapHelp>());
  app.get_formatter()->column_width(34);
  app.footer(kExamples);
  add_scene_options(app, command);
  add_conversion_options(app, command);
  add_tile_options(app, command);
  add_map_model_options(app, command);
  add_output(app, command);
  add_map_output(app, command);
  add_common_options(app, common);
  app.require_subcommand(0, 1);
  const auto* merge = add_merge(app, command);
  static_cast<Leave&>(parsed) = parse_command_line(app, count, arguments, common, [&] {
    command.merge = merge->parsed();
    check(command);
  });
  return parsed;
}

}  // namespace ccexpert::tools

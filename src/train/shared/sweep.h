/// Sweep: several rows of a table, each a config, trained with several seeds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/fields.h>
#include <ccexpert/train/config.h>

namespace ccexpert::train {

struct SweepRow {
  std::string name;
  std::string config;
  std::vector<std::string> overrides;
  std::vector<int64_t> seeds;

  static constexpr auto fields() {
    using Self = SweepRow;
    return std::tuple{field("name", &Self::name, "name of the row, and of its folder"),
                      field("config", &Self::config, "training config, relative to the sweep's folder"),
                      field("overrides", &Self::overrides, "section.key=value, in every stage"),
                      field("seeds", &Self::seeds, "seeds of the row's runs (empty: those of the sweep)")};
  }
};

/// Captions by the models of a sweep, for a table of scores.
struct SweepCaptions {
  std::string pairs;
  bool every_stage = false;
  std::vector<std::string> options;

  static constexpr auto fields() {
    using Self = SweepCaptions;
    return std::tuple{
        field("pairs", &Self::pairs, "pairs that each run's best model captions (empty: none)"),
        field("every_stage", &Self::every_stage,
              "caption with the best model of each stage, not only the last"),
        field("options", &Self::options, "further options of ccexpert-caption, such as --beams=3")};
  }
};

struct Sweep {
  std::string output;
  std::vector<int64_t> seeds{42};
  std::vector<std::string> overrides;
  SweepCaptions captions;
  std::vector<SweepRow> rows;

  static constexpr auto fields() {
    using Self = Sweep;
    return std::tuple{field("output", &Self::output, "folder of the sweep; a run writes to ROW/seed-N in it"),
                      field("seeds", &Self::seeds, "seeds of the runs of a row that has none of its own"),
                      field("overrides", &Self::overrides, "section.key=value, in every row and stage"),
                      field("captions", &Self::captions, ""),
                      field("rows", &Self::rows, "rows of the table")};
  }
};

/// One training: a row with one of its seeds.
struct SweepRun {
  std::string row;
  int64_t seed = 0;
  std::filesystem::path config;
  std::vector<std::string> overrides;  ///< of the config, with output and seed
  std::filesystem::path folder;        ///< OUTPUT/ROW/seed-N
  std::vector<TrainConfig> stages;

  std::string title() const { return row + ", seed " + std::to_string(seed); }
};

/// Model of a run and the file of its captions.
struct SweepCaptionJob {
  std::filesystem::path model;
  std::filesystem::path captions;
};

/// Reads a sweep's file. Paths other than `config` stay as they are. Throws Error with file, line and key for
/// a name that cannot be that of a folder, a repeated name or seed, and overrides of output and seed.
Sweep read_sweep(const std::filesystem::path& file);

/// Returns all runs, row by row, with `overrides` after those of the file. Reads every config, so that a
/// mistake is found before the first run. Throws Error.
std::vector<SweepRun> runs_of(const Sweep& sweep, const std::filesystem::path& file,
                              const std::vector<std::string>& overrides);

/// Returns the captions to write after a run: FOLDER/captions.jsonl of its last stage and, with every_stage,
/// FOLDER/STAGE/captions.jsonl of the others.
std::vector<SweepCaptionJob> caption_jobs(const SweepCaptions& captions, const SweepRun& run);

}  // namespace ccexpert::train

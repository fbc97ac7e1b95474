#include "train/shared/sweep.h"

#include <algorithm>
#include <cctype>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"
#include "core/yaml.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;

/// True for a name that is one folder of every file system.
bool is_folder_name(const std::string& name) {
  constexpr std::string_view kSigns = "-_.+";
  return !name.empty() && name.front() != '.' && std::ranges::all_of(name, [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || kSigns.find(c) != std::string_view::npos;
  });
}

/// Checks of a sweep, with the place of a key for messages.
class SweepCheck {
 public:
  explicit SweepCheck(const YamlDocument& document) : document_(document) {}

  void expect(bool holds, const std::string& key, std::string_view expected, const std::string& got) const {
    if (!holds) fail_expected({yaml_place_of(document_, key), expected, got});
  }

  void seeds(const std::vector<int64_t>& seeds, const std::string& key) const {
    const std::set<int64_t> different(seeds.begin(), seeds.end());
    expect(different.size() == seeds.size(), key, "different seeds", "one of them twice");
  }

  void overrides(const std::vector<std::string>& overrides, const std::string& key) const {
    for (size_t i = 0; i < overrides.size(); ++i) {
      const auto place = fmt::format("{}[{}]", key, i);
      const auto name = overrides[i].substr(0, overrides[i].find('='));
      expect(name.size() < overrides[i].size(), place, "section.key=value", "'" + overrides[i] + "'");
      expect(name != "output" && name != "seed", place, "another key, as the sweep sets output and seed",
             name);
    }
  }

  void row(const SweepRow& row, const std::string& key) const {
    expect(is_folder_name(row.name), key + ".name", "letters, digits and - _ . +, as it names a folder",
           "'" + row.name + "'");
    expect(!row.config.empty(), key + ".config", "a training config", "none");
    seeds(row.seeds, key + ".seeds");
    overrides(row.overrides, key + ".overrides");
  }

 private:
  const YamlDocument& document_;
};

void check(const Sweep& sweep, const YamlDocument& document) {
  const SweepCheck check(document);
  check.expect(!sweep.output.empty(), "output", "a folder for the sweep", "none");
  check.expect(!sweep.rows.empty(), "rows", "at least one row", "none");
  check.expect(!sweep.seeds.empty(), "seeds", "at least one seed", "none");
  check.seeds(sweep.seeds, "seeds");
  check.overrides(sweep.overrides, "overrides");
  const auto& captions = sweep.captions;
  check.expect(!captions.pairs.empty() || (captions.options.empty() && !captions.every_stage),
               "captions.pairs", "pairs to caption, as other keys of captions are set", "none");
  std::set<std::string> names;
  for (size_t i = 0; i < sweep.rows.size(); ++i) {
    const auto key = fmt::format("rows[{}]", i);
    check.row(sweep.rows[i], key);
    check.expect(names.insert(sweep.rows[i].name).second, key + ".name", "a different name for each row",
                 "'" + sweep.rows[i].name + "' twice");
  }
}

SweepRun run_of(const Sweep& sweep, const SweepRow& row, int64_t seed) {
  SweepRun run{.row = row.name,
               .seed = seed,
               .config = {},
               .overrides = sweep.overrides,
               .folder = fs::path(sweep.output) / row.name / fmt::format("seed-{}", seed),
               .stages = {}};
  run.overrides.insert(run.overrides.end(), row.overrides.begin(), row.overrides.end());
  return run;
}

}  // namespace

Sweep read_sweep(const fs::path& file) try {
  const auto document = read_yaml_file(file);
  Sweep sweep;
  read_yaml(document.root, sweep, document.source);
  check(sweep, document);
  return sweep;
} catch (...) {
  rethrow_as_error();
}

std::vector<SweepRun> runs_of(const Sweep& sweep, const fs::path& file,
                              const std::vector<std::string>& overrides) try {
  std::vector<SweepRun> runs;
  for (const auto& row : sweep.rows) {
    for (const int64_t seed : row.seeds.empty() ? sweep.seeds : row.seeds) {
      auto run = run_of(sweep, row, seed);
      run.config = (file.parent_path() / row.config).lexically_normal();
      run.overrides.insert(run.overrides.end(), overrides.begin(), overrides.end());
      // Quoted: the value of an override is YAML.
      run.overrides.push_back("output=" + nlohmann::json(run.folder.string()).dump());
      run.overrides.push_back(fmt::format("seed={}", seed));
      try {
        run.stages = read_train_config(run.config, run.overrides);
      } catch (const Fault&) {
        throw;
      } catch (const Error& error) {
        fail(fmt::format("row {}", row.name), error.what());
      }
      runs.push_back(std::move(run));
    }
  }
  return runs;
} catch (...) {
  rethrow_as_error();
}

std::vector<SweepCaptionJob> caption_jobs(const SweepCaptions& captions, const SweepRun& run) {
  constexpr const char* kFile = "captions.jsonl";
  std::vector<SweepCaptionJob> jobs;
  if (captions.pairs.empty()) return jobs;
  for (const auto& stage : run.stages) {
    const fs::path folder(stage.output);
    const bool last = &stage == &run.stages.back();
    if (last || captions.every_stage) jobs.push_back({folder / "best", (last ? run.folder : folder) / kFile});
  }
  return jobs;
}

}  // namespace ccexpert::train

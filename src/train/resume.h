// Selection of the checkpoint to resume from, and checks that the run is still the same.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ccexpert/train/config.h>

#include "distributed/shared/communicator.h"
#include "train/run_folder.h"

namespace ccexpert::train {

/// Creates the folder and returns the newest step whose checkpoint is intact, or 0 without any checkpoint.
/// All ranks call it. Broken checkpoints are skipped with a warning. Throws Error on all ranks if checkpoints
/// exist and none is intact.
int64_t agree_on_start(const RunFolder& folder, distributed::Communicator& communicator);

/// Throws Error on all ranks if `start` is a training checkpoint, or a copy of some of its files, and a file
/// differs from what was written. All ranks call it.
void expect_undamaged(const std::filesystem::path& start, distributed::Communicator& communicator);

/// Change of a config value; nothing for a key that one of the configs lacks.
struct ConfigChange {
  std::string key;
  std::optional<std::string> before;
  std::optional<std::string> now;
};

/// Describes the changes of a run that is resumed after `step`, for its log. Changes without an effect are
/// named as such: some keys are read only when a run starts.
std::vector<std::string> change_notes(const std::vector<ConfigChange>& changes, int64_t step);

/// Returns the values of a YAML config by "section.key", with numbers in their shortest form.
std::map<std::string, std::string> config_values(const std::string& yaml, const std::string& source);

/// Returns the keys whose values differ between two YAML configs, except `output`.
std::vector<ConfigChange> config_changes(const std::string& before_yaml, const std::string& now_yaml);

/// Returns the differences from the config of `checkpoint`. Throws Error if a difference would break the
/// sample order of an epoch in progress.
std::vector<ConfigChange> changes_since(const std::filesystem::path& checkpoint, const TrainConfig& config);

}  // namespace ccexpert::train

// Where a run goes on, and whether it is still the same run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <ccexpert/distributed/communicator.h>
#include <ccexpert/train/config.h>
#include <ccexpert/train/run_folder.h>

namespace ccexpert::train {

/// Called by all ranks; makes the folder. Returns the newest step whose checkpoint is whole, 0 where there is
/// no checkpoint at all. Broken ones are passed over with a warning. Throws Error on all ranks where none is
/// whole.
int64_t agree_on_start(const RunFolder& folder, distributed::Communicator& communicator);

/// Called by all ranks. Throws Error on all of them where `start` is a checkpoint of training, or a copy of
/// some of its files, and one of them is not what was written.
void expect_undamaged(const std::filesystem::path& start, distributed::Communicator& communicator);

struct ConfigChange {
  std::string key;
  std::string before;
  std::string now;
};

/// Values of a config as YAML by "section.key"; numbers without the digits that keep them exact.
std::map<std::string, std::string> config_values(const std::string& yaml, const std::string& source);

/// The keys whose values differ between two configs as YAML; `output` does not count.
std::vector<ConfigChange> config_changes(const std::string& before_yaml, const std::string& now_yaml);

/// What differs from the config that `checkpoint` was written with. Throws Error where that would break the
/// order of samples which the run has gone through in part.
std::vector<ConfigChange> changes_since(const std::filesystem::path& checkpoint, const TrainConfig& config);

}  // namespace ccexpert::train

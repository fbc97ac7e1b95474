// Checks that all ranks start from the same config, weights and data. Ranks that differ would train without
// an error to a model that belongs to none of them.
#pragma once

#include <string>
#include <vector>

#include <ccexpert/data/change_dataset.h>

#include "distributed/shared/communicator.h"
#include "train/run_model.h"

namespace ccexpert::train {

/// Throws the same Error on all ranks if the stages of a rank differ from those of rank 0: the rank, the key
/// and both values.
void expect_same_config(const std::vector<TrainConfig>& stages, distributed::Communicator& communicator);

/// Loaded start of a stage.
struct Start {
  const RunModel& run;
  const std::vector<data::ChangeExample>& training;
  const std::vector<data::ChangeExample>& validation;
};

/// Throws likewise for the content of `model.start` (with the first parameter or file that differs),
/// `data.train` and `data.validation`. Reads each parameter once.
void expect_same_start(const Start& start, distributed::Communicator& communicator);

}  // namespace ccexpert::train

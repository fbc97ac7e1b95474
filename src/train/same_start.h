// All ranks of a run start from the same: config, weights and data. Ranks that do not would train on in
// silence, to a model of none of them.
#pragma once

#include <string>
#include <vector>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/distributed/communicator.h>

#include "train/run_model.h"

namespace ccexpert::train {

/// Throws the same Error on all ranks where the stages of one differ from those of the first: the rank, the
/// key and both values.
void expect_same_config(const std::vector<TrainConfig>& stages, distributed::Communicator& communicator);

/// What a stage starts from, as it was read.
struct Start {
  const RunModel& run;
  const std::vector<data::ChangeExample>& training;
  const std::vector<data::ChangeExample>& validation;
};

/// The same for the content of `model.start` (naming the first parameter or file that differs), `data.train`
/// and `data.validation`. Reads each parameter once.
void expect_same_start(const Start& start, distributed::Communicator& communicator);

}  // namespace ccexpert::train

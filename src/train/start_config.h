// Config of the model that a run builds from the config of a checkpoint.
#pragma once

#include <ccexpert/model/config.h>
#include <ccexpert/train/config.h>

namespace ccexpert::train {

/// Returns the config of the model that `run` builds from its start with the config `stored`. Throws Error if
/// they do not match.
model::ModelConfig start_config(model::ModelConfig stored, const TrainConfig& run);

/// Returns the same for a checkpoint to resume, whose weights are drawn already.
model::ModelConfig resumed_config(model::ModelConfig config, const TrainConfig& run);

}  // namespace ccexpert::train

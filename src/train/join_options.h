// Join options of a training run.
#pragma once

#include <ccexpert/train/config.h>

#include "distributed/shared/communicator.h"

namespace ccexpert::train {

/// Returns the options of the config's section for this build of the program.
distributed::JoinOptions join_options(const DistributedSection& section, const std::stop_token& stop);

}  // namespace ccexpert::train

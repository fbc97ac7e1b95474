// How the ranks of a run join.
#pragma once

#include <ccexpert/distributed/communicator.h>
#include <ccexpert/train/config.h>

namespace ccexpert::train {

/// As the config's section has it, for this build of the program.
distributed::JoinOptions join_options(const DistributedSection& section, const std::stop_token& stop);

}  // namespace ccexpert::train

// Processes of a launcher that map together: each captions a shard, and the last one merges.
#pragma once

#include "map/map_options.h"

namespace ccexpert::tools {

/// Gives a process that torchrun, srun or mpirun started its shard, its GPU and its share of the cores.
/// Returns false for a single process, or if the command names a shard.
bool take_shard_of_rank(MapCommand& command);

}  // namespace ccexpert::tools

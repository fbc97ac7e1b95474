#include "map/map_ranks.h"

#include <fmt/format.h>

#include "distributed/shared/rank.h"
#include "runtime/device.h"

namespace ccexpert::tools {

bool take_shard_of_rank(MapCommand& command) {
  const auto rank = distributed::rank_from_environment();
  if (rank.size == 1 || command.map.shard != geo::Shard{}) return false;
  command.map.shard = {rank.rank + 1, rank.size};
  command.captioner.threads = distributed::threads_of(rank, command.captioner.threads);
  if (runtime::device_from_name(command.captioner.device).is_cuda())
    command.captioner.device = fmt::format("cuda:{}", rank.local_rank);
  return true;
}

}  // namespace ccexpert::tools

// What each rank alone knows of a step, put together.
#pragma once

#include <cstdint>

#include <c10/core/Device.h>

#include <ccexpert/distributed/communicator.h>

namespace ccexpert::train {

struct RankFigures {
  double wait_seconds = 0.0;  ///< spent waiting for data
  double memory = 0.0;        ///< bytes, most so far
  int64_t skipped_samples = 0;
};

/// Called by all ranks: the longest wait, the most memory, all samples that were left out.
RankFigures of_all_ranks(const RankFigures& own, distributed::Communicator& communicator, at::Device device);

}  // namespace ccexpert::train

// Per-rank figures of a step, combined over ranks.
#pragma once

#include <cstdint>
#include <tuple>

#include <c10/core/Device.h>

#include "distributed/shared/communicator.h"

namespace ccexpert::train {

struct RankFigures {
  double wait_seconds = 0.0;  ///< spent waiting for data
  double memory = 0.0;        ///< peak so far, in bytes
  int64_t skipped_samples = 0;
  int64_t contradictions = 0;  ///< samples whose change_flag contradicts their mask

  static constexpr auto fields() {
    return std::tuple{&RankFigures::wait_seconds, &RankFigures::memory, &RankFigures::skipped_samples,
                      &RankFigures::contradictions};
  }
};

/// Returns the longest wait, the highest memory and the sums of the counts. All ranks call it.
RankFigures of_all_ranks(const RankFigures& own, distributed::Communicator& communicator, at::Device device);

}  // namespace ccexpert::train

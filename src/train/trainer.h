// Training of one stage, from its config to its last checkpoint.
#pragma once

#include <memory>
#include <vector>

#include <ccexpert/train/config.h>
#include <ccexpert/train/run_control.h>

#include "distributed/shared/communicator.h"

namespace ccexpert::train {

struct TrainOutcome {
  int64_t step = 0;                    ///< number of steps done
  bool finished = false;               ///< false: stopped on request, after a checkpoint
  std::vector<double> caption_losses;  ///< of each step of this call
};

/// Trains the stage of `config` on all ranks of `communicator`. Every rank calls it with the same config.
/// Before the first step the ranks compare the config, the start weights and the pairs. The folder is locked
/// until the call returns: a second training there is an error.
/// Continues from the newest intact checkpoint of `config.output`, if any; a broken one is skipped with a
/// warning. A stop request on any rank saves a checkpoint after the current step and returns. Throws Error;
/// the checkpoints written so far stay.
TrainOutcome train(const TrainConfig& config, distributed::Communicator& communicator, at::Device device,
                   const RunControl& control = {});

/// True if the run of this config is finished.
bool is_finished(const TrainConfig& config);

/// Returns the device for a rank of this machine from the config's "cpu", "cuda" or "auto". Throws Error for
/// a GPU that does not exist.
at::Device device_of_rank(const TrainConfig& config, int local_rank);

}  // namespace ccexpert::train

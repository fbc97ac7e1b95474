/// A stage of training from its config to its last checkpoint.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include <ccexpert/distributed/communicator.h>
#include <ccexpert/train/config.h>

namespace ccexpert::train {

struct TrainOutcome {
  int64_t step = 0;          ///< where the run stands
  bool finished = false;     ///< false: it was asked to stop, and saved
  std::vector<double> loss;  ///< of each step of this call
};

/// Trains what `config` describes on all ranks of `communicator`; every rank calls it with the same config,
/// and before the first step all compare it, the weights they start from and the pairs. The folder is locked
/// until it returns: a second training there is an error.
/// Goes on from the newest whole checkpoint of `config.output` where there is one; a broken one is passed
/// over with a warning. A requested stop of any rank saves a checkpoint behind the step under way and
/// returns. Throws Error; the checkpoints written so far stay.
TrainOutcome train(const TrainConfig& config, distributed::Communicator& communicator, at::Device device,
                   const std::stop_token& stop = {});

/// Whether the run of this config went to its end.
bool is_finished(const TrainConfig& config);

/// "cpu", "cuda" or "auto" of the config, for a rank of this machine. Throws Error for a GPU that is not
/// there.
at::Device device_of_rank(const TrainConfig& config, int local_rank);

}  // namespace ccexpert::train

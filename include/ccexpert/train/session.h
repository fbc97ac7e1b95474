/// Facade over the ranks and stages of a run, without LibTorch types.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include <ccexpert/train/config.h>
#include <ccexpert/train/run_control.h>

namespace ccexpert::train {

/// Joins the run that the environment describes (see distributed::rank_from_environment).
class Session {
 public:
  /// The first of `stages` sets the devices and the timeout for silent ranks. A stop request ends the wait
  /// for other ranks. Throws Error, also if the stages differ between ranks.
  explicit Session(const std::vector<TrainConfig>& stages, const std::stop_token& stop = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int rank() const;  ///< of this process
  int size() const;  ///< number of ranks

  /// Trains one stage to its end, or until a stop is requested on any rank (then returns false). A finished
  /// stage is skipped. Throws Error.
  bool train(const TrainConfig& stage, const RunControl& control = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::train

/// The ranks of a run and its stages, for programs: no LibTorch type appears here.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include <ccexpert/train/config.h>

namespace ccexpert::train {

/// Joins the run that the environment describes (see distributed::rank_from_environment).
class Session {
 public:
  /// The first of `stages` says which devices, and how long a silent rank is waited for. A requested stop
  /// ends the wait for other ranks. Throws Error, where the ranks' stages differ too.
  explicit Session(const std::vector<TrainConfig>& stages, const std::stop_token& stop = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int rank() const;
  int size() const;

  /// Trains one stage to its end, or until a stop is requested on any rank (then false). A stage that is
  /// finished already is passed over. Throws Error.
  bool train(const TrainConfig& stage, const std::stop_token& stop = {});

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::train

// Heartbeats that every rank writes for the others.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "distributed/shared_texts.h"

namespace ccexpert::distributed {

/// Writes at short intervals that this rank is alive and how many collectives it has entered. Only its own
/// thread touches the texts, so that no caller waits for a store that hangs.
class Heartbeat {
 public:
  Heartbeat(SharedTexts texts, int rank, int size, std::chrono::milliseconds interval);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void count_collective();

  /// Returns why a collective may have failed: "rank 2 shows no sign of life", "rank 1 lives, but is 3
  /// collectives behind", or "" if every rank is well. Watches the others for a few intervals. The first
  /// verdict counts for all ranks, since the ranks that stop because of it would be blamed next.
  std::string diagnose();

  /// The same, but only for a rank without a sign of life: "" if all are alive, however far behind.
  std::string lost_rank();

  /// Time within which all live ranks read a verdict.
  std::chrono::milliseconds time_to_tell() const;

 private:
  struct State;
  std::string watch_others(bool for_life_alone);

  std::shared_ptr<State> state_;
};

}  // namespace ccexpert::distributed

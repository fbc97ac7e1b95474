// Signs of life that every rank leaves for the others.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "distributed/shared_texts.h"

namespace ccexpert::distributed {

/// Writes at short intervals that this rank lives, and how many collectives it has entered. Only a thread of
/// its own touches the texts, so that nothing here waits for a store that hangs.
class Heartbeat {
 public:
  Heartbeat(SharedTexts texts, int rank, int size, std::chrono::milliseconds interval);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void count_collective();

  /// Why a collective may have failed: "rank 2 shows no sign of life", "rank 1 lives, but is 3 collectives
  /// behind", or "" where every rank is well. Watches the others for a few intervals; what one rank found
  /// holds for all, as those that stop for it would be found next.
  std::string diagnose();

  /// The same for a rank without a sign of life alone: "" where all live, however far behind.
  std::string lost_rank();

  /// Long enough for all ranks that live to learn what one of them found.
  std::chrono::milliseconds time_to_tell() const;

 private:
  struct State;
  std::string watch_others(bool for_life_alone);

  std::shared_ptr<State> state_;
};

}  // namespace ccexpert::distributed

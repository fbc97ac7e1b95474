/// Connection between a run and the program that started it.
#pragma once

#include <functional>
#include <stop_token>
#include <string_view>

namespace ccexpert::train {

/// Phase of a run. It determines how long a stop may take.
enum class RunPhase {
  kSaved,  ///< before the first step or after the last save; nothing is lost if the process ends
  kInput,  ///< waits for images, which may never arrive
  kWork,   ///< trains, evaluates or saves; sees a stop request soon and then saves
};

struct RunControl {                                  ///< How a program steers a run
  std::stop_token stop = {};                         ///< asks the run to save a checkpoint and return
  std::function<void(RunPhase)> on_phase = nullptr;  ///< called when a phase begins, if set
  /// Called on rank 0, if set, for each step, evaluation and note, with the line of JSON that log.jsonl has.
  std::function<void(std::string_view entry)> on_entry = nullptr;

  void enter(RunPhase phase) const {  ///< Tells of a phase, if somebody listens
    if (on_phase) on_phase(phase);
  }
};

}  // namespace ccexpert::train

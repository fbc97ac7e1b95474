// Several processes of a run on this machine.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

namespace ccexpert::tools {

struct LaunchRequest {
  std::vector<std::string> arguments;  ///< of each process, the program's path first
  int processes = 1;
  /// How long the others may go on when one has failed: their collectives break, and they say which rank is
  /// gone within a few beats of a second each. One that hangs says nothing.
  std::chrono::milliseconds patience{15'000};
};

/// Starts the processes with RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT in
/// their environment and waits for all. A requested stop is passed on as SIGTERM. Returns 0 where all did,
/// else the exit code of the first that failed (128 + signal where one was killed).
int launch(const LaunchRequest& request, const std::stop_token& stop);

/// In a started process: ends with the launcher, should that be killed.
void end_with_launcher();

}  // namespace ccexpert::tools

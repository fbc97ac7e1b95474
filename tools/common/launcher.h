// Launcher of several processes of a run on this machine.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

namespace ccexpert::tools {

struct LaunchRequest {
  std::vector<std::string> arguments;  ///< arguments of each process, starting with the program's path
  int processes = 1;
  /// Time for the other ranks to exit after one has failed. Their collectives fail, and they report the lost
  /// rank within a few heartbeats of one second. A hanging rank reports nothing.
  std::chrono::milliseconds patience{15'000};
};

/// Starts the processes with RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT in
/// their environment and waits for all. Passes a stop request on as SIGTERM. Returns 0 if all succeeded, else
/// the exit code of the first that failed (128 + signal if it was killed).
int launch(const LaunchRequest& request, const std::stop_token& stop);

}  // namespace ccexpert::tools

// Process exit after an exception on one of LibTorch's threads.
#pragma once

#include <exception>

namespace ccexpert::distributed {

/// During its lifetime, an uncaught exception of Gloo or c10d ends the process with exit code 1 and one line
/// in the log that names the rank. Both throw on their own threads if messages do not match. Other exceptions
/// go to the previous handler.
class TerminateGuard {
 public:
  explicit TerminateGuard(int rank);
  ~TerminateGuard();
  TerminateGuard(const TerminateGuard&) = delete;
  TerminateGuard& operator=(const TerminateGuard&) = delete;
};

}  // namespace ccexpert::distributed

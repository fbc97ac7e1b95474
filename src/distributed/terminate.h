// The end of a process for what a thread of LibTorch's throws.
#pragma once

#include <exception>

namespace ccexpert::distributed {

/// While it lives, an exception of Gloo's or c10d's that nobody catches ends the process with one line in the
/// log that names the rank, and exit code 1. They throw on threads of their own where messages do not fit one
/// another. Others are left to the handler that was there.
class TerminateGuard {
 public:
  explicit TerminateGuard(int rank);
  ~TerminateGuard();
  TerminateGuard(const TerminateGuard&) = delete;
  TerminateGuard& operator=(const TerminateGuard&) = delete;
};

}  // namespace ccexpert::distributed

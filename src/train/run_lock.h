// Lock that allows one training per folder.
#pragma once

#include <filesystem>

namespace ccexpert::train {

/// Locks FOLDER/lock for its lifetime; a killed process leaves no lock. Throws Error with process, machine
/// and start time of the training that has the lock. On a file system without locks it logs a warning and
/// continues.
class RunLock {
 public:
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace ccexpert::train

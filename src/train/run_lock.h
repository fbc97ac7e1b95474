// One training a folder.
#pragma once

#include <filesystem>

namespace ccexpert::train {

/// Locks FOLDER/lock for as long as it lives; a process that is killed leaves no lock behind. Throws Error
/// that names the process, machine and start of the training that has it. Where the file system has no locks,
/// it warns and goes on.
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

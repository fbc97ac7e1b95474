// Runner of the real commands as processes.
#pragma once

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

namespace ccexpert::test {

struct ProcessResult {
  int exit_code = -1;  ///< 128 plus the signal if one ended it
  std::string out;
  std::string err;
};

/// Child process with standard output and error in files.
class Process {
 public:
  /// Starts `arguments[0]`; /dev/null is its standard input.
  explicit Process(const std::vector<std::string>& arguments);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t id() const { return pid_; }
  void signal(int number) const;
  /// Returns what it has written to standard error so far.
  std::string err() const;
  ProcessResult wait();

 private:
  std::string out_;
  std::string err_;
  pid_t pid_ = -1;
};

inline ProcessResult run_process(const std::vector<std::string>& arguments) {
  return Process(arguments).wait();
}

}  // namespace ccexpert::test

// Processes that are waited for, and killed in the middle of their work.
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/process.h"

namespace ccexpert::test {

inline bool has_ended(const Process& process) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(process.id()), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid != 0;
}

/// Waits for something that a process does. It has minutes, for a machine with much other work; its end
/// before that, or their end, fails the test.
inline void wait_until(const Process& process, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(3);
  while (!condition()) {
    // What it did at last counts too.
    if (has_ended(process)) {
      EXPECT_TRUE(condition()) << "the process has ended before";
      return;
    }
    if (std::chrono::steady_clock::now() >= deadline) FAIL() << "the process has not come so far";
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

/// Starts a process and kills it as soon as it has come so far.
inline void kill_when(const std::vector<std::string>& arguments, const std::function<bool()>& condition) {
  Process process(arguments);
  wait_until(process, condition);
  process.signal(SIGKILL);
  EXPECT_EQ(process.wait().exit_code, 128 + SIGKILL) << "the process has ended before";
}

/// Writing end of a named pipe that a process reads; open without a text, so that its reader waits.
class HeldPipe {
 public:
  /// Returns as soon as the process has opened the pipe.
  HeldPipe(const std::filesystem::path& path, const Process& reader) {
    // Without a reader this kind of opening fails.
    wait_until(reader, [&] { return (end_ = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) >= 0; });
  }
  ~HeldPipe() { ::close(end_); }
  HeldPipe(const HeldPipe&) = delete;
  HeldPipe& operator=(const HeldPipe&) = delete;

 private:
  int end_ = -1;
};

/// Runs a process that the system kills in the write that would make a file larger than `bytes`: inside its
/// work, however fast it is and however long this process waits.
inline void run_until_size(const std::vector<std::string>& arguments, rlim_t bytes) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit less{bytes, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &less), 0);
  Process process(arguments);
  EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(process.wait().exit_code, 128 + SIGXFSZ);
}

}  // namespace ccexpert::test

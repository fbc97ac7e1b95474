#include "common/standard_streams.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/exit_code.h"

namespace ccexpert::tools {
namespace {

void open_if_closed(int descriptor) {
  if (::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) return;
  // The wrong direction: a read of standard input and a write to the others fail with EBADF, as before.
  const int direction = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY;
  const int opened = ::open("/dev/null", direction);
  if (opened == descriptor || opened < 0) return;
  ::dup2(opened, descriptor);
  ::close(opened);
}

std::string problem_of(const std::exception& error) {
  if (const auto* problem = dynamic_cast<const std::filesystem::filesystem_error*>(&error)) {
    // what() starts with the name of the called function.
    return fmt::format("{}: {}", problem->path1().string(), problem->code().message());
  }
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return "not enough memory";
  return error.what();
}

/// Reason of the first failed write to standard output, or 0: the stream itself only keeps that one failed.
int& write_error() {
  static int reason = 0;
  return reason;
}

/// Flushes standard output; returns the problem if it did not accept everything, or "".
std::string flush_standard_output() {
  errno = 0;
  std::cout.flush();
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
  if (written) return {};
  const int reason = write_error() != 0 ? write_error() : errno;
  return fmt::format("standard output: cannot be written{}",
                     reason == 0 ? "" : fmt::format(" ({})", std::strerror(reason)));
}

}  // namespace

void open_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) open_if_closed(descriptor);
}

void print_text(std::string_view text) {
  // fmt::print would throw.
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
  static_cast<void>(std::fflush(stderr));
}

void print_note(std::string_view line) {
  print_text(fmt::format("{}\n", line));
}

void print_result(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  const int reason = errno;
  const bool flushed = std::fflush(stdout) == 0;
  if (write_error() == 0 && !(written && flushed)) write_error() = written ? errno : reason;
}

int run_program(std::string_view program, const std::function<int()>& run) {
  open_standard_descriptors();
  int exit_code = kFailed;
  std::string problem;
  try {
    exit_code = run();
  } catch (const std::exception& error) {
    problem = problem_of(error);
  }
  const auto unwritten = flush_standard_output();
  const bool has_results = exit_code == kSuccess || exit_code == kSomeFailed;
  // A partially failed write may have thrown; the stream knows the reason.
  if (!unwritten.empty() && (has_results || std::ferror(stdout) != 0)) problem = unwritten;
  if (problem.empty()) return exit_code;
  print_note(fmt::format("{}: {}", program, problem));
  return kFailed;
}

}  // namespace ccexpert::tools

#include "common/standard_output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include <fmt/format.h>

#include "common/exit_code.h"

namespace ccexpert::tools {

int with_standard_output(std::string_view program, int exit_code) {
  errno = 0;
  std::cout.flush();
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
  const bool has_results = exit_code == kSuccess || exit_code == kSomeFailed;
  if (written || !has_results) return exit_code;
  std::cerr << fmt::format("{}: standard output: cannot be written{}\n", program,
                           errno == 0 ? "" : fmt::format(" ({})", std::strerror(errno)));
  return kFailed;
}

}  // namespace ccexpert::tools

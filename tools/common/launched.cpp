#include "common/launched.h"

#include <csignal>
#include <cstdlib>
#include <string>

#include <sys/prctl.h>
#include <unistd.h>

namespace ccexpert::tools {

bool is_launched() {
  return std::getenv(kLauncherVariable) != nullptr;
}

void end_with_launcher() {
  const char* launcher = std::getenv(kLauncherVariable);
  if (launcher == nullptr) return;
  // SIGINT, as for Ctrl-C: a launcher killed by a second Ctrl-C has passed the first on, so that this one
  // ends its processes.
  ::prctl(PR_SET_PDEATHSIG, SIGINT);
  // The launcher may have died before the prctl call.
  if (std::to_string(::getppid()) != launcher) ::raise(SIGINT);
}

}  // namespace ccexpert::tools

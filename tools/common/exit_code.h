// Exit codes of all commands.
#pragma once

namespace ccexpert::tools {

enum ExitCode : int {
  kSuccess = 0,
  kFailed = 1,        ///< the command failed; standard error has the reason
  kUsage = 2,         ///< wrong arguments; nothing was started
  kSomeFailed = 3,    ///< the run finished, but some items failed
  kSignalBase = 128,  ///< plus the number of the signal that ended the run
};

}  // namespace ccexpert::tools

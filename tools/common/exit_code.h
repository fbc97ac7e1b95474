// What every command tells the shell.
#pragma once

namespace ccexpert::tools {

enum ExitCode : int {
  kSuccess = 0,
  kFailed = 1,        ///< nothing more could be done; standard error says why
  kUsage = 2,         ///< wrong arguments; nothing was started
  kSomeFailed = 3,    ///< the run went to its end, some items failed
  kSignalBase = 128,  ///< plus the number of the signal that ended the run
};

}  // namespace ccexpert::tools

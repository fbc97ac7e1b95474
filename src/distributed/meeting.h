// The start of a run: all ranks are there, once each, and run the same program.
#pragma once

#include <ccexpert/distributed/communicator.h>

#include "distributed/shared_texts.h"

namespace ccexpert::distributed {

/// Returns once all ranks called it. Throws the same Error on all ranks that came where one is missing at
/// the end of the timeout, was told to stop, was started twice or runs another program; and where the store
/// is gone. The first rank logs, after some seconds, whom it waits for.
void meet(const SharedTexts& texts, const Rank& rank, const JoinOptions& options);

}  // namespace ccexpert::distributed

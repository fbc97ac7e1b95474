// Start of a run: every rank joins exactly once, and all run the same program.
#pragma once

#include "distributed/shared/communicator.h"
#include "distributed/shared_texts.h"

namespace ccexpert::distributed {

/// Returns after all ranks have called it. Throws the same Error on all ranks that joined if a rank is
/// missing at the timeout, was told to stop, was started twice or runs another program, and if the store is
/// gone. After some seconds, rank 0 logs the ranks that it waits for.
void meet(const SharedTexts& texts, const Rank& rank, const JoinOptions& options);

}  // namespace ccexpert::distributed

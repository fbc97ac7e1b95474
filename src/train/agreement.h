// Work that ranks do together: a failure on one rank becomes an Error on all.
#pragma once

#include <functional>
#include <string>

#include <ccexpert/distributed/communicator.h>

namespace ccexpert::train {

/// Returns on all ranks what `work` returns on rank 0. An exception of `work` becomes an Error on all ranks.
std::string first_rank_says(distributed::Communicator& communicator,
                            const std::function<std::string()>& work);

/// Returns on all ranks the error of the lowest rank on which `check` throws, or "".
std::string problem_on_any(distributed::Communicator& communicator, const std::function<void()>& check);

/// Throws an Error on all ranks if `work` throws on any, so that none waits for a rank that gave up. The
/// Error names the rank if there are several.
void on_all_ranks(distributed::Communicator& communicator, const std::function<void()>& work);

}  // namespace ccexpert::train

// What the ranks of a run do as one: one of them works, or all do, and what goes wrong for one ends all.
#pragma once

#include <functional>
#include <string>

#include <ccexpert/distributed/communicator.h>

namespace ccexpert::train {

/// What `work` returns on the first rank, on all of them. Throws there, as Error, what it throws here.
std::string first_rank_says(distributed::Communicator& communicator,
                            const std::function<std::string()>& work);

/// What `check` throws on the lowest rank where it throws, on all of them; "" where it throws on none.
std::string problem_on_any(distributed::Communicator& communicator, const std::function<void()>& check);

/// Throws on all ranks what `work` throws on any, so that none waits for one that gave up. The Error names
/// the rank where there are several.
void on_all_ranks(distributed::Communicator& communicator, const std::function<void()>& work);

}  // namespace ccexpert::train

// A test that runs in several processes, which are ranks of one another.
#pragma once

#include <filesystem>
#include <functional>
#include <set>

#include <ccexpert/distributed/communicator.h>

namespace ccexpert::test {

struct RankOptions {
  std::set<int> lost = {};    ///< ranks that may end in any way; they are killed once the others are done
  std::set<int> absent = {};  ///< ranks that are not started at all
};

/// Runs `body(rank)` in `count` copies of this program, each of which runs the current test alone up to here,
/// with the variables of torchrun and one thread. Waits for them, and fails the test with what they printed
/// where one fails. Within a copy it just calls `body`.
void in_ranks(int count, const std::function<void(int rank)>& body, const RankOptions& options = {});

/// Whether this is one of the copies.
bool in_a_rank();

/// A folder that all ranks of the running `in_ranks` see; it goes with them.
std::filesystem::path shared_folder();

/// A port of this machine that nobody listens on now.
int free_port();

/// Joins the other ranks over Gloo.
std::unique_ptr<distributed::Communicator> join_ranks(const distributed::JoinOptions& options);
std::unique_ptr<distributed::Communicator> join_ranks(
    std::chrono::milliseconds timeout = std::chrono::seconds(60));

}  // namespace ccexpert::test

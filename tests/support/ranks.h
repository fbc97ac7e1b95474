// Tests that run in several processes, one per rank.
#pragma once

#include <filesystem>
#include <functional>
#include <set>

#include "distributed/shared/communicator.h"

namespace ccexpert::test {

struct RankOptions {
  std::set<int> lost = {};    ///< ranks that may end in any way; they are killed after the others end
  std::set<int> absent = {};  ///< ranks that are not started
};

/// Runs `body(rank)` in `count` copies of this program, with the variables of torchrun and one thread; each
/// copy runs only the current test, up to this call. Waits for the copies, and fails the test with their
/// output if one fails. In a copy, just calls `body`.
void in_ranks(int count, const std::function<void(int rank)>& body, const RankOptions& options = {});

/// True in one of the copies.
bool in_a_rank();

/// Returns a folder that all ranks of the running `in_ranks` share; it is removed after them.
std::filesystem::path shared_folder();

/// Returns a free port of this machine.
int free_port();

/// Joins the other ranks over Gloo.
std::unique_ptr<distributed::Communicator> join_ranks(const distributed::JoinOptions& options);
std::unique_ptr<distributed::Communicator> join_ranks(
    std::chrono::milliseconds timeout = std::chrono::seconds(60));

}  // namespace ccexpert::test

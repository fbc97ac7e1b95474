// Start of a run over c10d: the store that ranks meet at, and the backend of their collectives.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <c10/util/intrusive_ptr.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "distributed/shared/communicator.h"
#include "distributed/shared_texts.h"

namespace ccexpert::distributed {

using Store = c10::intrusive_ptr<c10d::TCPStore>;
using Backend = c10::intrusive_ptr<c10d::Backend>;

/// Returns the numeric address of rank 0's machine. Throws Error if the look-up takes longer than the
/// timeout, or after a stop request.
std::string address_of_first(const Rank& rank, const JoinOptions& options);

/// Connects to rank 0's store, and serves it on the socket `listener` if that is set. Throws Error with the
/// reason why this rank cannot reach it.
Store connect_to_store(const Rank& rank, const std::string& address, const JoinOptions& options,
                       std::optional<int> listener = {});

/// Returns the texts of one part of the run, which no other run on the same port sees.
SharedTexts texts_of(const Store& store, const Rank& rank, const std::string& part);

/// Returns the backend of a rank on a CPU. `address` is rank 0's. May never return if a rank is missing.
Backend make_gloo(const Store& store, const Rank& rank, const std::string& address,
                  std::chrono::milliseconds timeout);
/// Returns the backend of a rank on a GPU, likewise. Throws Error if the build lacks NCCL.
Backend make_nccl(const Store& store, const Rank& rank, std::chrono::milliseconds timeout);

}  // namespace ccexpert::distributed

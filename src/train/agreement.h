// Agreement between ranks: one answer, one error and equal values on all of them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <c10/core/Device.h>
#include <nlohmann/json.hpp>

#include "distributed/shared/communicator.h"

namespace ccexpert::train {

/// Returns on all ranks what `work` returns on rank 0. An exception of `work` becomes an Error of its
/// kind on all ranks.
std::string first_rank_says(distributed::Communicator& communicator,
                            const std::function<std::string()>& work);

/// Returns on all ranks the error of the lowest rank on which `check` throws, or "".
std::string problem_on_any(distributed::Communicator& communicator, const std::function<void()>& check);

/// Throws an Error on all ranks if `work` throws on any, so that none waits for a rank that gave up. The
/// Error has the kind of the first, and names the rank if there are several.
void on_all_ranks(distributed::Communicator& communicator, const std::function<void()>& work);

/// Returns on all ranks true if `own` is true on any. `device` is the communicator's.
bool on_any_rank(distributed::Communicator& communicator, bool own, at::Device device);

/// Returns on all ranks the values of all ranks in rank order. `what` names them in errors. Invalid UTF-8 is
/// replaced.
std::vector<nlohmann::json> gather_json(distributed::Communicator& communicator,
                                        const nlohmann::ordered_json& own, const std::string& what);

/// Keys with values or checksums, in the same order on every rank.
using KeyValues = std::vector<std::pair<std::string, std::string>>;

/// Difference of a rank's values from rank 0's.
struct RankDifference {
  int rank = 0;
  std::string key;                ///< the first that differs
  std::string first = "nothing";  ///< value on rank 0
  std::string own = "nothing";    ///< value on the rank
  size_t others = 0;              ///< number of other keys that differ on this rank

  /// Returns "rank R: `what`", the subject of an error.
  std::string subject(const std::string& what) const;
};

/// Returns on all ranks the difference of the lowest rank that differs from rank 0, or nothing if all ranks
/// have the same values. Values are sent only if their checksums differ.
std::optional<RankDifference> difference_between_ranks(distributed::Communicator& communicator,
                                                       const KeyValues& own);

}  // namespace ccexpert::train

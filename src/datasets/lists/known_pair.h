// Pair that is already in a list.
#pragma once

#include <cstddef>
#include <optional>

namespace ccexpert::datasets {

struct KnownPair {
  size_t number = 0;              ///< index in its list
  std::optional<bool> flag = {};  ///< from the source, not from captions

  /// Throws Error if another entry of the pair has a different flag.
  void expect_flag(std::optional<bool> other) const;
};

}  // namespace ccexpert::datasets

// A pair that is in a list already.
#pragma once

#include <cstddef>
#include <optional>

namespace ccexpert::datasets {

struct KnownPair {
  size_t number = 0;              ///< in its list
  std::optional<bool> flag = {};  ///< as its source gives it, not its captions

  /// Throws Error where a further entry of the pair says otherwise.
  void expect_flag(std::optional<bool> other) const;
};

}  // namespace ccexpert::datasets

// A key-value store that ranks share outside of collectives.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace ccexpert::distributed {

/// Texts by key that all ranks see. `get` returns nothing if a key does not exist. `count` adds one to a
/// key's number and returns the sum. All may throw, or never return, if the store is gone.
struct SharedTexts {
  std::function<void(const std::string&, const std::string&)> set;
  std::function<std::optional<std::string>(const std::string&)> get;
  std::function<int64_t(const std::string&)> count = {};
};

}  // namespace ccexpert::distributed

// What ranks can tell one another without a collective.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace ccexpert::distributed {

/// Texts by key that all ranks see; `get` gives nothing where a key is not there. `count` adds one to a key's
/// number and returns the sum. All may throw, or never return, where the store is gone.
struct SharedTexts {
  std::function<void(const std::string&, const std::string&)> set;
  std::function<std::optional<std::string>(const std::string&)> get;
  std::function<int64_t(const std::string&)> count = {};
};

}  // namespace ccexpert::distributed

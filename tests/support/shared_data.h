// Real image pairs that may not be distributed: tests use them if they are available locally.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "support/paths.h"

namespace ccexpert::test {

constexpr const char* kNoRealPairs = "no folder with real image pairs: set CCEXPERT_SHARED";

/// Returns the folder of real pairs: $CCEXPERT_SHARED/data, or ../shared/data next to the source tree;
/// nullopt if neither exists.
inline std::optional<std::filesystem::path> real_pairs() {
  const char* named = std::getenv("CCEXPERT_SHARED");
  const std::filesystem::path shared = named != nullptr
                                           ? std::filesystem::path(named)
                                           : std::filesystem::path(test::kSourceDir) / ".." / "shared";
  const auto folder = shared / "data";
  return std::filesystem::exists(folder / "levir-cd-samples") ? std::optional(folder) : std::nullopt;
}

}  // namespace ccexpert::test

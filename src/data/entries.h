// Pairs of lists, with their place for error messages.
#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>

#include <ccexpert/data/pairs.h>

#include "core/universal_entry.h"

namespace ccexpert::data {

/// Resolves a relative path against `root`.
std::filesystem::path located(const std::string& path, const std::filesystem::path& root);

/// Throws Error if a path is missing.
PairFiles to_pair(const PairEntry& entry, const std::filesystem::path& root);

/// Index from uids to their images.
class UidIndex {
 public:
  /// Returns true if the uid is new; throws Error if it already names other images.
  bool add(const PairFiles& pair, const std::string& where);

 private:
  std::unordered_map<std::string, PairFiles> pairs_;
};

}  // namespace ccexpert::data

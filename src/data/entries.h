// Entries of JSON lists of pairs, with their place for error messages.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/data/pairs.h>

#include "core/json_list.h"

namespace ccexpert::data {

/// Entry of any list of pairs, as written in the list.
struct RawEntry {
  std::string where;
  std::optional<std::string> uid, before, after;
};

/// Reads uid, before and after of an object; throws Error for another type.
RawEntry raw_entry(const nlohmann::json& entry, const std::string& where);

/// Resolves a relative path against `root`.
std::filesystem::path located(const std::string& path, const std::filesystem::path& root);

/// Throws Error if a path is missing.
PairFiles to_pair(const RawEntry& entry, const std::filesystem::path& root);

/// Reads an entry of the universal format; throws Error with the key if a value is missing or has the wrong
/// type.
ChangeExample example_of(const nlohmann::json& entry, const std::string& where,
                         const std::filesystem::path& root);

/// Index from uids to their images.
class UidIndex {
 public:
  /// Returns true if the uid is new; throws Error if it already names other images.
  bool add(const PairFiles& pair, const std::string& where);

 private:
  std::unordered_map<std::string, PairFiles> pairs_;
};

}  // namespace ccexpert::data

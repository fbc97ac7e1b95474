// Entries of JSON lists of pairs, with where they stand, for messages.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/data/pairs.h>

#include "core/json_list.h"

namespace ccexpert::data {

/// An entry of any list of pairs as the list has it.
struct RawEntry {
  std::string where;
  std::optional<std::string> uid, before, after;
};

/// uid, before and after of an object; Error for anything else.
RawEntry raw_entry(const nlohmann::json& entry, const std::string& where);

/// A path that starts at `root` where it is relative.
std::filesystem::path located(const std::string& path, const std::filesystem::path& root);

/// Error where a path is missing.
PairFiles to_pair(const RawEntry& entry, const std::filesystem::path& root);

/// An entry of the universal format; Error naming the key where something is missing or of another type.
ChangeExample example_of(const nlohmann::json& entry, const std::string& where,
                         const std::filesystem::path& root);

/// Which images a uid stands for.
class UidIndex {
 public:
  /// Whether the uid is new; Error where it already stands for other images.
  bool add(const PairFiles& pair, const std::string& where);

 private:
  std::unordered_map<std::string, PairFiles> pairs_;
};

}  // namespace ccexpert::data

// Entries of JSON lists of pairs, with where they stand, for messages.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/data/pairs.h>

namespace ccexpert::data {

/// An entry of any list of pairs as the list has it.
struct RawEntry {
  std::string where;
  std::optional<std::string> uid, before, after;
};

/// Whether text is a JSON array, or begins an object: one of the lines of JSON Lines.
bool is_json_list(std::string_view text);

/// Calls `visit(entry, where)` for every element of a JSON array or every line that is not blank; Error,
/// beginning with `source`, for text that is neither.
void visit_entries(std::string_view text, const std::string& source,
                   const std::function<void(const nlohmann::json&, const std::string&)>& visit);

/// A string under `key` (a uid may be an integer too), nothing where the key is absent, null
/// or an empty string.
std::optional<std::string> text_of(const nlohmann::json& entry, const char* key, const std::string& where);

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

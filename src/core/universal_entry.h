// Reader of one entry of the universal format, used by training, ccexpert-data and ccexpert-eval.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ccexpert {

/// Keys of the image paths. If an entry has both, the first one counts.
inline constexpr std::array<const char*, 2> kBeforeKeys{"before", "img1_path"};
inline constexpr std::array<const char*, 2> kAfterKeys{"after", "img2_path"};

/// Pair of images as an entry of any list names it. A value that is absent, null or "" is not set.
struct PairEntry {
  std::string where;  ///< place of the entry, for messages
  std::optional<std::string> uid, before, after;
};

/// Pair with captions, flag and maps.
struct UniversalEntry : PairEntry {
  std::vector<std::string> captions;  ///< none blank; empty if change_caption is absent, null or []
  std::optional<bool> changed;        ///< change_flag in any form of flag_value
  std::optional<std::string> mask, classes_before, classes_after;
};

/// Reads uid (a string or an integer), before and after. Throws Error, beginning with `where`, for an entry
/// that is not an object and for a value of another type.
PairEntry read_pair_entry(const nlohmann::json& entry, const std::string& where);

/// Reads all fields, with change_caption as a string or a list of strings. Throws Error likewise, also for a
/// blank caption.
UniversalEntry read_universal_entry(const nlohmann::json& entry, const std::string& where);

/// Throws Error if an entry has no captions or lacks a path, where they are needed.
void expect_captions(const UniversalEntry& entry);
const std::string& expect_before(const PairEntry& entry);
const std::string& expect_after(const PairEntry& entry);

/// Returns the uid, or the before path of an entry without one. Throws Error if both are missing.
const std::string& uid_or_before(const PairEntry& entry);

}  // namespace ccexpert

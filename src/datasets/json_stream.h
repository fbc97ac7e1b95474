// Elements of large JSON files, one at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace ccexpert::datasets {

/// Where the elements stand within a file, and what of them nobody reads.
struct JsonPlace {
  std::string key = {};                        ///< the array under this key of the root; empty: the root
  std::vector<std::string_view> ignored = {};  ///< keys whose values are passed over
  /// Takes lines of JSON Lines that are no JSON; where empty, they are an Error. An array that is none has no
  /// entry to leave out.
  std::function<void(const std::string& where, const std::string& problem)> bad_line = {};
};

using VisitElement = std::function<void(nlohmann::json& element, const std::string& where)>;
using VisitMember = std::function<void(const std::string& key, nlohmann::json& value)>;

/// Calls `visit` for every element of an array, or for every line of JSON Lines (where the root is meant).
/// `where` is "FILE: entry 3" or "FILE: line 3". Memory holds one element. Depth, keys and an element's size
/// are bounded as in parse_json. Throws Error naming the file, and the line where the text is no JSON.
void visit_elements(const std::filesystem::path& file, const JsonPlace& place, const VisitElement& visit);

/// Calls `visit` for every member of the root object.
void visit_members(const std::filesystem::path& file, const VisitMember& visit);

}  // namespace ccexpert::datasets

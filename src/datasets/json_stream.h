// Streaming reader of large JSON files, one element at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace ccexpert::datasets {

/// Place of the elements within a file, and their ignored keys.
struct JsonPlace {
  std::string key = {};  ///< key of the array in the root object; empty: the root itself
  std::vector<std::string_view> ignored = {};  ///< keys whose values are skipped
  /// Receives JSON Lines that are not JSON; if empty, they are an Error. In an array such text is always an
  /// Error, because no single entry could be left out.
  std::function<void(const std::string& where, const std::string& problem)> bad_line = {};
};

using VisitElement = std::function<void(nlohmann::json& element, const std::string& where)>;
using VisitMember = std::function<void(const std::string& key, nlohmann::json& value)>;

/// Calls `visit` for every element of an array, or for every line of JSON Lines (if `place.key` is empty).
/// `where` is "FILE: entry 3" or "FILE: line 3". Only one element is in memory. Depth, keys and an element's
/// size are limited as in parse_json. Throws Error with the file, and with the line if the text is not JSON.
void visit_elements(const std::filesystem::path& file, const JsonPlace& place, const VisitElement& visit);

/// Elements of a file that are visited several times. The text of a pipe comes only once: it is held in
/// memory.
class ElementList {
 public:
  explicit ElementList(std::filesystem::path file);

  /// Does the same as visit_elements.
  void visit(const JsonPlace& place, const VisitElement& visit);

 private:
  std::filesystem::path file_;
  std::unique_ptr<std::istringstream> held_;
};

/// Calls `visit` for every member of the root object.
void visit_members(const std::filesystem::path& file, const VisitMember& visit);

}  // namespace ccexpert::datasets

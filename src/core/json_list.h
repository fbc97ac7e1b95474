// Entry-by-entry reading of JSON Lines and JSON arrays of objects, with each entry's place for messages.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace ccexpert {

/// True if the text is a JSON array, or begins with an object, as JSON Lines do.
bool is_json_list(std::string_view text);

/// Calls `visit(entry, where)` for every element of a JSON array or every line that is not blank. Throws
/// Error, beginning with `source`, for text that is neither.
void visit_entries(std::string_view text, const std::string& source,
                   const std::function<void(const nlohmann::json&, const std::string&)>& visit);

/// Accepted forms of a flag, for messages.
inline constexpr const char* kFlagForms = "0, 1, true or false";

/// Returns the flag for one of kFlagForms, or for a string with one; nullopt for another value.
std::optional<bool> flag_value(const nlohmann::json& value);
std::optional<bool> flag_of_text(std::string_view text);

/// Returns the string under `key` (a uid may also be an integer); nullopt if the key is absent, null or an
/// empty string.
std::optional<std::string> text_of(const nlohmann::json& entry, const char* key, const std::string& where);

}  // namespace ccexpert

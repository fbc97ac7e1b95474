// JSON Lines and JSON arrays of objects, entry by entry, with where each stands, for messages.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace ccexpert {

/// Whether text is a JSON array, or begins an object: one of the lines of JSON Lines.
bool is_json_list(std::string_view text);

/// Calls `visit(entry, where)` for every element of a JSON array or every line that is not blank; Error,
/// beginning with `source`, for text that is neither.
void visit_entries(std::string_view text, const std::string& source,
                   const std::function<void(const nlohmann::json&, const std::string&)>& visit);

/// What the format takes as a flag, for messages.
inline constexpr const char* kFlagForms = "0, 1, true or false";

/// The flag that a value is: one of kFlagForms, or a text of one; nothing for another value.
std::optional<bool> flag_value(const nlohmann::json& value);
std::optional<bool> flag_of_text(std::string_view text);

/// A string under `key` (a uid may be an integer too), nothing where the key is absent, null or an empty
/// string.
std::optional<std::string> text_of(const nlohmann::json& entry, const char* key, const std::string& where);

}  // namespace ccexpert

// Fields of entries, with errors that name the field; the entry's place comes before them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ccexpert::datasets {

/// The value under `key`; Error where the entry is no object or lacks it.
const nlohmann::json& field_of(const nlohmann::json& entry, const char* key,
                               const char* expected = "a value");

/// A string that is not empty; numbers count as their text.
std::string text_field(const nlohmann::json& entry, const char* key);
std::string any_text_field(const nlohmann::json& entry, const char* key);  ///< "" too, as a caption may be
std::optional<std::string> optional_text_field(const nlohmann::json& entry, const char* key);

/// A list of strings, or one string.
std::vector<std::string> texts_field(const nlohmann::json& entry, const char* key);

/// A flag in any form that flag_value takes; nothing where the key is absent or null.
std::optional<bool> flag_field(const nlohmann::json& entry, const char* key);

/// An array; Error for anything else.
const nlohmann::json& list_field(const nlohmann::json& entry, const char* key);

}  // namespace ccexpert::datasets

// Readers of entry fields. Errors start with the field; callers put the entry's place before them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ccexpert::datasets {

/// Returns the value of `key`; throws Error if the entry is not an object or lacks it.
const nlohmann::json& field_of(const nlohmann::json& entry, const char* key,
                               const char* expected = "a value");

/// Returns a non-empty string; numbers are converted to text.
std::string text_field(const nlohmann::json& entry, const char* key);
std::string any_text_field(const nlohmann::json& entry, const char* key);  ///< allows "", as for captions
std::optional<std::string> optional_text_field(const nlohmann::json& entry, const char* key);

/// Reads a list of strings, or one string.
std::vector<std::string> texts_field(const nlohmann::json& entry, const char* key);

/// Reads a flag in any form that flag_value accepts; nothing if the key is absent or null.
std::optional<bool> flag_field(const nlohmann::json& entry, const char* key);

/// Returns an array; throws Error for another type.
const nlohmann::json& list_field(const nlohmann::json& entry, const char* key);

}  // namespace ccexpert::datasets

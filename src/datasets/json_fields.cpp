#include "datasets/json_fields.h"

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "core/json_list.h"

namespace ccexpert::datasets {

using nlohmann::json;

const json& field_of(const json& entry, const char* key, const char* expected) {
  if (!entry.is_object()) fail_expected({"entry", "an object", json_shown(entry)});
  const auto found = entry.find(key);
  if (found == entry.end() || found->is_null()) fail_expected({key, expected, "none"});
  return *found;
}

std::string any_text_field(const json& entry, const char* key) {
  const auto& value = field_of(entry, key, "a text");
  if (value.is_number_integer()) return value.dump();
  if (!value.is_string()) fail_expected({key, "a text", json_shown(value)});
  return value.get<std::string>();
}

std::string text_field(const json& entry, const char* key) {
  auto text = any_text_field(entry, key);
  if (text.empty()) fail_expected({key, "a text", "\"\""});
  return text;
}

std::optional<std::string> optional_text_field(const json& entry, const char* key) {
  const auto found = entry.is_object() ? entry.find(key) : entry.end();
  if (found == entry.end() || found->is_null()) return std::nullopt;
  return text_field(entry, key);
}

std::vector<std::string> texts_field(const json& entry, const char* key) {
  const auto& value = field_of(entry, key, "a text or a list of texts");
  if (value.is_string()) return {value.get<std::string>()};
  if (!value.is_array()) fail_expected({key, "a text or a list of texts", json_shown(value)});
  std::vector<std::string> texts;
  for (const auto& each : value) {
    if (!each.is_string()) fail_expected({key, "a text or a list of texts", json_shown(value)});
    texts.push_back(each.get<std::string>());
  }
  return texts;
}

std::optional<bool> flag_field(const json& entry, const char* key) {
  const auto found = entry.is_object() ? entry.find(key) : entry.end();
  if (found == entry.end() || found->is_null()) return std::nullopt;
  if (const auto flag = flag_value(*found)) return flag;
  fail_expected({key, kFlagForms, json_shown(*found)});
}

const json& list_field(const json& entry, const char* key) {
  const auto& value = field_of(entry, key, "a list");
  if (!value.is_array()) fail_expected({key, "a list", json_shown(value)});
  return value;
}

}  // namespace ccexpert::datasets

#include "datasets/json_fields.h"

#include <ccexpert/core/error.h>

#include "core/json.h"

namespace ccexpert::datasets {
namespace {

using nlohmann::json;

std::string shown(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 60);
}

}  // namespace

const json& field_of(const json& entry, const char* key, const char* expected) {
  if (!entry.is_object()) fail({"entry", "an object", shown(entry)});
  const auto found = entry.find(key);
  if (found == entry.end() || found->is_null()) fail({key, expected, "none"});
  return *found;
}

std::string any_text_field(const json& entry, const char* key) {
  const auto& value = field_of(entry, key, "a text");
  if (value.is_number_integer()) return value.dump();
  if (!value.is_string()) fail({key, "a text", shown(value)});
  return value.get<std::string>();
}

std::string text_field(const json& entry, const char* key) {
  auto text = any_text_field(entry, key);
  if (text.empty()) fail({key, "a text", "\"\""});
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
  if (!value.is_array()) fail({key, "a text or a list of texts", shown(value)});
  std::vector<std::string> texts;
  for (const auto& each : value) {
    if (!each.is_string()) fail({key, "a text or a list of texts", shown(value)});
    texts.push_back(each.get<std::string>());
  }
  return texts;
}

std::optional<bool> flag_field(const json& entry, const char* key) {
  const auto found = entry.is_object() ? entry.find(key) : entry.end();
  if (found == entry.end() || found->is_null()) return std::nullopt;
  if (found->is_boolean()) return found->get<bool>();
  if (*found == 0 || *found == 1) return *found == 1;
  if (*found == "0" || *found == "1") return *found == "1";
  fail({key, "0, 1, true or false", shown(*found)});
}

const json& list_field(const json& entry, const char* key) {
  const auto& value = field_of(entry, key, "a list");
  if (!value.is_array()) fail({key, "a list", shown(value)});
  return value;
}

}  // namespace ccexpert::datasets

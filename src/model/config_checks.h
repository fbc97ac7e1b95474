// Checks that parsers and ModelConfig::validate share.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/config.h>

#include "core/json.h"

namespace ccexpert::model {

/// Throws Error if `holds` is false.
inline void expect(bool holds, std::string_view what, std::string_view expected, const std::string& got) {
  if (!holds) fail_expected({what, expected, got});
}

/// Sets every field of a part that `object` names. Throws Error for another type and for an unknown name of
/// an enum; expect_fields checks limits, so that its errors name the part.
template <class Config>
void read_part(const nlohmann::json& object, Config& config, std::string_view source) {
  for_each_field<Config>([&](const auto& each) {
    auto& value = config.*each.member;
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (Named<Value>) {
      const auto text = json_value(object, each.name, text_of(value), source);
      const auto named = value_named<Value>(text);
      expect(named.has_value(), fmt::format("{}: {}: {}", source, Config::kTitle, each.name),
             in_words(choices_of<Value>(each.limits)), text);
      value = *named;
    } else {
      value = json_value(object, each.name, value, source);
    }
  });
}

/// Returns every field of a part as JSON, enums by their names.
template <class Config>
nlohmann::json fields_json(const Config& config) {
  auto object = nlohmann::json::object();
  for_each_field<Config>([&](const auto& each) {
    const auto& value = config.*each.member;
    if constexpr (Worded<std::remove_cvref_t<decltype(value)>>) {
      object[each.name] = text_of(value);
    } else {
      object[each.name] = value;
    }
  });
  return object;
}

/// Throws Error for the first value of a part outside of its field's limits.
template <class Config>
void expect_fields(const Config& config) {
  for_each_field<Config>([&](const auto& each) {
    const auto& value = config.*each.member;
    const auto what = fmt::format("{}: {}", Config::kTitle, each.name);
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (Named<Value>) {
      expect(each.limits.accept(value), what, in_words(choices_of<Value>(each.limits)), text_of(value));
    } else if (const auto refusal = refusal_of(each.limits, value)) {
      fail_expected({what, refusal->expected, refusal->got});
    }
  });
}

/// Throws Error for an invalid value.
void validate_vision(const VisionConfig& vision);

}  // namespace ccexpert::model

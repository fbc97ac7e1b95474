// Checks that parsers and ModelConfig::validate share.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/config.h>

namespace ccexpert::model {

/// Throws Error if `holds` is false.
inline void expect(bool holds, std::string_view what, std::string_view expected, const std::string& got) {
  if (!holds) fail_expected({what, expected, got});
}

/// Runs `check`, and names `source` in its error.
template <class Check>
void with_source(std::string_view source, Check&& check) {
  try {
    check();
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", source, error.what()), error.kind());
  }
}

/// Throws Error for an invalid value.
void validate_vision(const VisionConfig& vision);

}  // namespace ccexpert::model

// Lines of log.jsonl.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace ccexpert::train {

struct LogLine {
  nlohmann::json object;
  std::string event = {};
  int64_t step = 0;
};

/// Nothing where the text is no JSON object, or its event or step are of another type.
std::optional<LogLine> parse_log_line(std::string_view text);

/// One line; what is not UTF-8, as a model or a file name may have it, is replaced.
std::string to_line(const nlohmann::ordered_json& object);

}  // namespace ccexpert::train

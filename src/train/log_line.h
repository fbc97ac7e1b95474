// Lines of log.jsonl.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <ccexpert/core/names.h>

namespace ccexpert::train {

enum class LogEvent { kOther, kStep, kEvaluation, kNote };
constexpr auto names_of(LogEvent) {
  return std::to_array<Name<LogEvent>>({{LogEvent::kOther, ""},
                                        {LogEvent::kStep, "step"},
                                        {LogEvent::kEvaluation, "evaluation"},
                                        {LogEvent::kNote, "note"}});
}

struct LogLine {
  nlohmann::json object;
  LogEvent event = LogEvent::kOther;
  int64_t step = 0;
};

/// Returns nothing if the text is not a JSON object or its event or step has the wrong type.
std::optional<LogLine> parse_log_line(std::string_view text);

/// Returns one line. Invalid UTF-8, which a model or file name may contain, is replaced.
std::string to_line(const nlohmann::ordered_json& object);

}  // namespace ccexpert::train

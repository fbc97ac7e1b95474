#include "train/log_line.h"

#include "core/json.h"

namespace ccexpert::train {

std::optional<LogLine> parse_log_line(std::string_view text) {
  auto object = try_parse_json(text);
  if (!object || !object->is_object()) return std::nullopt;
  const auto event = object->value("event", nlohmann::json("")),
             step = object->value("step", nlohmann::json(0));
  if (!event.is_string() || !step.is_number_integer()) return std::nullopt;
  const auto known = value_named<LogEvent>(event.get_ref<const std::string&>());
  return LogLine{std::move(*object), known.value_or(LogEvent::kOther), step.get<int64_t>()};
}

std::string to_line(const nlohmann::ordered_json& object) {
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace ccexpert::train

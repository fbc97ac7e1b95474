#include "datasets/chat/chat_reply.h"

#include <cmath>

#include "core/json.h"

namespace ccexpert::datasets {
namespace {

using nlohmann::json;

/// Returns the content's text, or the joined texts of its parts.
std::string text_of_content(const json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const auto& part : content) {
    const auto found = part.is_object() ? part.find("text") : part.end();
    if (part.is_object() && found != part.end() && found->is_string()) text += found->get<std::string>();
  }
  return text;
}

/// Returns a count given as any number type; nothing for other values.
std::optional<int64_t> count_of(const json& usage, const char* key) {
  constexpr double kMost = 1e12;
  const auto found = usage.is_object() ? usage.find(key) : usage.end();
  if (!usage.is_object() || found == usage.end() || !found->is_number()) return std::nullopt;
  const auto count = found->get<double>();
  return count >= 0 && count <= kMost ? std::optional(static_cast<int64_t>(std::llround(count)))
                                      : std::nullopt;
}

}  // namespace

std::optional<ChatAnswer> answer_of(std::string_view body) {
  const auto parsed = try_parse_json(body);
  const auto first = json::json_pointer("/choices/0");
  if (!parsed || !parsed->is_object() || !parsed->contains(first) || !(*parsed)[first].is_object())
    return std::nullopt;
  const auto& choice = (*parsed)[first];
  const auto message = choice.find("message");
  if (message == choice.end() || !message->is_object()) return std::nullopt;
  const auto finish = choice.find("finish_reason");
  const auto usage = parsed->value("usage", json::object());
  return ChatAnswer{
      .text = message->contains("content") ? text_of_content((*message)["content"]) : "",
      .finish = finish != choice.end() && finish->is_string() ? finish->get<std::string>() : "stop",
      .prompt_tokens = count_of(usage, "prompt_tokens"),
      .answer_tokens = count_of(usage, "completion_tokens")};
}

std::string refusal_of(std::string_view body) {
  const auto parsed = try_parse_json(body);
  if (!parsed || !parsed->is_object() || !parsed->contains("error")) return std::string(body);
  const auto& error = (*parsed)["error"];
  const bool has_message = error.is_object() && error.contains("message") && error["message"].is_string();
  return has_message ? error["message"].get<std::string>() : error.dump();
}

}  // namespace ccexpert::datasets

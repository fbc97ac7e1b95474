#include <fmt/format.h>

#include <ccexpert/text/prompt.h>

#include "core/error_place.h"
#include "core/foreign_errors.h"
#include "core/json.h"
#include "generate/shared/checkpoint_texts.h"

namespace ccexpert::generate {
namespace {

using nlohmann::json;

constexpr const char* kKey = "ccexpert_question";

}  // namespace

std::string trained_question(std::string_view config_json, const std::string& source) try {
  const auto question = json_value(parse_json(config_json, source), kKey, std::string(), source);
  with_place(fmt::format("{}: {}", source, kKey), [&] {
    if (!question.empty()) text::complete_question(question);
  });
  return question;
} catch (...) {
  rethrow_as_error();
}

std::string with_trained_question(std::string_view config_json, std::string_view question) try {
  json config = parse_json(config_json, "config.json");
  config[kKey] = question;
  // Bytes that are not UTF-8 are U+FFFD for the tokenizer, too.
  return config.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
} catch (...) {
  rethrow_as_error();
}

std::string with_int8_note(std::string_view config_json) try {
  json config = parse_json(config_json, "config.json");
  config[std::string(model::kOwnKeyPrefix) + "quantization"] = {
      {"weights", "int8, one scale for each output"},
      {"activations", "int8, one scale for each token, in down_proj for each 256 inputs of a token"}};
  return config.dump(2) + "\n";
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::generate

#include "serve/replies.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/log.h>

#include "generate/shared/caption_service.h"

namespace ccexpert::serve {
namespace {

using Json = nlohmann::ordered_json;

std::string_view type_of(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 429:
      return "rate_limit_error";
    case 504:
      return "timeout_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

Json body_of(int status, std::string_view message, const std::string& code, const std::string& id) {
  Json error{{"message", message}, {"type", type_of(status)}, {"param", nullptr}};
  error["code"] = code.empty() ? Json(nullptr) : Json(code);
  error["request_id"] = id;
  return {{"error", std::move(error)}};
}

/// Error that a client may not see as it is.
Json hidden(int status, std::string_view sentence, const std::exception& error, const std::string& id) {
  log::error(fmt::format("request {}: {}", id, error.what()));
  return body_of(status, sentence, {}, id);
}

}  // namespace

HttpError body_too_large(int64_t most, std::string_view got) {
  return {413, fmt::format("body: expected at most {} bytes, got {}", most, got), "body_too_large"};
}

std::exception_ptr with_status(const generate::ServiceError& error) {
  using generate::ServiceFailure;
  switch (error.failure()) {
    case ServiceFailure::kFull:
      return std::make_exception_ptr(HttpError(429, error.what(), "queue_full"));
    case ServiceFailure::kStopping:
      return std::make_exception_ptr(
          HttpError(503, "the server ends (send the request again later)", "stopping"));
    case ServiceFailure::kDeadline:
      return std::make_exception_ptr(HttpError(504, error.what(), "timeout"));
    case ServiceFailure::kRequest:
      break;
  }
  return std::make_exception_ptr(error);
}

std::string json_text(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Reply json_reply(const nlohmann::ordered_json& value, int status) {
  return {.status = status, .body = json_text(value) + "\n"};
}

ErrorBody error_body(const std::exception& error, const std::string& request_id) {
  if (const auto* http = dynamic_cast<const HttpError*>(&error))
    return {http->status(), json_text(body_of(http->status(), http->what(), http->code(), request_id))};
  const auto* known = dynamic_cast<const Error*>(&error);
  if (known != nullptr && known->kind() == ErrorKind::kInput)
    return {422, json_text(body_of(422, known->what(), {}, request_id))};
  const bool lacks = known != nullptr && known->kind() == ErrorKind::kResource;
  const auto* sentence = lacks ? "the server lacks memory or another resource for this request"
                               : "the server has a fault; its log has the reason under this request_id";
  const int status = lacks ? 503 : 500;
  return {status, json_text(hidden(status, sentence, error, request_id))};
}

Reply error_reply(const std::exception& error, const std::string& request_id) {
  auto body = error_body(error, request_id);
  Reply reply{.status = body.status, .body = std::move(body.json) + "\n"};
  if (const auto* http = dynamic_cast<const HttpError*>(&error)) reply.headers = http->headers();
  return reply;
}

}  // namespace ccexpert::serve

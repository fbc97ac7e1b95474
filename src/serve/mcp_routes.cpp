// Model Context Protocol over streamable HTTP, without sessions: each POST has a message of JSON-RPC or, as
// the version of March 2025 has it, an array of messages. The reply is the answer, or an array of them.
#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/json.h"
#include "serve/app.h"
#include "serve/caption_answer.h"
#include "serve/caption_request.h"
#include "serve/tool_arguments.h"

namespace ccexpert::serve {
namespace {

using nlohmann::json;
using Json = nlohmann::ordered_json;

/// Versions of the protocol, the newest first.
constexpr std::array<std::string_view, 3> kVersions{"2025-06-18", "2025-03-26", "2024-11-05"};

/// Messages of one request. They are answered one after the other within one deadline.
constexpr size_t kMostMessages = 16;

/// Error codes of JSON-RPC 2.0.
constexpr int kInvalidRequest = -32600;
constexpr int kNoMethod = -32601;
constexpr int kInvalidParameters = -32602;

constexpr const char* kTool = R"({
  "name": "caption_change",
  "title": "Caption the change between two images",
  "description": "Describes in a sentence what changed between two images of the same place at two dates (aerial or satellite). Answers also with the strength of the change.",
  "inputSchema": {
    "type": "object",
    "properties": {
      "before": {"type": "string", "description": "The earlier image (PNG, JPEG, TIFF, BMP or WebP) in Base64 or as a data URI."},
      "after": {"type": "string", "description": "The later image, in the same form."},
      "question": {"type": "string", "description": "A question about the change; without it, the change is described."},
      "locate": {"type": "boolean", "description": "Also return a map of the change over the image.", "default": false},
      "max_new_tokens": {"type": "integer", "minimum": 1, "description": "Largest number of tokens of the answer."}
    },
    "required": ["before", "after"],
    "additionalProperties": false
  },
  "outputSchema": {
    "type": "object",
    "properties": {
      "caption": {"type": "string"},
      "change_score": {"type": "number", "description": "0 to 1; a probability if calibrated is true."},
      "calibrated": {"type": "boolean"},
      "logprob": {"type": "number"}
    },
    "required": ["caption"]
  },
  "annotations": {"readOnlyHint": true, "idempotentHint": true, "openWorldHint": false}
})";

/// Error of a call, as JSON-RPC has it.
struct RpcError {
  int code;
  std::string message;
};

/// Takes a value out of an object: images in Base64 are not copied. Returns an empty object if there is none.
json taken(json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? json::object() : std::move(*found);
}

Json response(const json& id, const char* key, Json value) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {key, std::move(value)}};
}

class McpCall {
 public:
  McpCall(App& app, const Request& request, Exchange& exchange)
      : app_(app), request_(request), exchange_(exchange) {}

  Json result(const std::string& method, json parameters) {
    if (method == "initialize") return initialize(parameters);
    if (method == "ping") return Json::object();
    if (method == "tools/list") return list_tools();
    if (method == "tools/call") return call_tool(std::move(parameters));
    throw RpcError{kNoMethod, fmt::format("method: expected a known one, got {}", method)};
  }

 private:
  Json initialize(const json& parameters) const {
    const auto asked = parameters.value("protocolVersion", json());
    auto version = kVersions.front();
    for (const auto each : kVersions) {
      if (asked == each) version = each;
    }
    return {{"protocolVersion", version},
            {"capabilities", {{"tools", Json::object()}}},
            {"serverInfo", {{"name", "ccexpert"}, {"title", "ccexpert"}, {"version", app_.version()}}},
            {"instructions",
             "caption_change describes the change between two images of one place at two dates."}};
  }

  Json list_tools() const {
    auto tools = Json::array({Json::parse(kTool)});
    if (const auto* maps = app_.maps()) tools.push_back(maps->listed());
    return {{"tools", std::move(tools)}};
  }

  Json call_tool(json parameters) {
    const auto name = parameters.value("name", json());
    const bool is_map = name == MapTool::kName && app_.maps() != nullptr;
    if (!is_map && name != "caption_change")
      throw RpcError{kInvalidParameters, "name: expected a tool of tools/list, got another one"};
    auto arguments = taken(parameters, "arguments");
    if (!arguments.is_object())
      throw RpcError{kInvalidParameters, "arguments: expected an object, got " + json_shown(arguments)};
    try {
      return is_map ? app_.maps()->call(app_, request_, exchange_, arguments) : caption(std::move(arguments));
    } catch (const std::exception& error) {
      app_.metrics().refused(error);
      // The model of the client reads why the tool failed, and can call it again.
      const auto body = Json::parse(error_body(error, request_.id).json);
      return {{"content", Json::array({{{"type", "text"}, {"text", body["error"]["message"]}}})},
              {"isError", true}};
    }
  }

  Json caption(json arguments) {
    expect_known_arguments(arguments, kTool);
    const bool wants_map = json_value(arguments, "locate", false, "arguments");
    arguments["locate"] = true;
    AskedCaption asked;
    const auto asking = app_.begin(
        request_, exchange_, [&]() -> auto& {
          asked = asked_caption(arguments, app_.limits());
          arguments.clear();
          return asked;
        });
    const auto finished = awaited(asking, std::move(asked.job), [](const TokenText&) {});
    auto answer = answer_json(finished, asked, asking.captions->facts(), request_.id);
    if (!wants_map) answer.erase("change_map");
    return {{"content", Json::array({{{"type", "text"}, {"text", finished.text}}})},
            {"structuredContent", std::move(answer)},
            {"isError", false}};
  }

  App& app_;
  const Request& request_;
  Exchange& exchange_;
};

struct Answer {
  Json body;
  int status = 200;
};

Answer rpc_error(const json& id, const RpcError& error, int status) {
  return {response(id, "error", {{"code", error.code}, {"message", error.message}}), status};
}

/// Returns the answer to a message; notifications and answers of the client have none.
std::optional<Answer> answer_to(McpCall& call, json message) {
  if (!message.is_object())
    return rpc_error(
        nullptr, {kInvalidRequest, "expected a message of JSON-RPC 2.0, got " + json_shown(message)}, 400);
  const auto method = message.value("method", json());
  const auto id = message.value("id", json());
  if (message.value("jsonrpc", json()) != "2.0" || (!id.is_null() && !id.is_string() && !id.is_number()))
    return rpc_error(nullptr, {kInvalidRequest, "expected a message of JSON-RPC 2.0, got another object"},
                     400);
  if (id.is_null() || !message.contains("method")) return std::nullopt;
  if (!method.is_string()) return rpc_error(id, {kInvalidRequest, "method: expected a name"}, 400);
  auto parameters = taken(message, "params");
  if (!parameters.is_object()) return rpc_error(id, {kInvalidRequest, "params: expected an object"}, 400);
  try {
    return Answer{response(id, "result", call.result(method.get<std::string>(), std::move(parameters)))};
  } catch (const RpcError& error) {
    return rpc_error(id, error, 200);
  }
}

Reply reply_of(const std::optional<Answer>& answer) {
  return answer ? json_reply(answer->body, answer->status) : Reply{.status = 202, .type = {}};
}

Reply reply_to_batch(McpCall& call, json messages) {
  if (messages.empty() || messages.size() > kMostMessages)
    return reply_of(rpc_error(
        nullptr,
        {kInvalidRequest, fmt::format("expected 1 to {} messages, got {}", kMostMessages, messages.size())},
        400));
  Answer all{Json::array()};
  for (auto& message : messages) {
    auto answer = answer_to(call, std::move(message));
    if (!answer) continue;
    all.body.push_back(std::move(answer->body));
    all.status = std::max(all.status, answer->status);
  }
  return all.body.empty() ? reply_of(std::nullopt) : json_reply(all.body, all.status);
}

/// Throws HttpError for a version that the client has not agreed on with this server.
void expect_known_version(const Request& request) {
  const auto version = request.header("MCP-Protocol-Version");
  if (version.empty() || std::ranges::find(kVersions, version) != kVersions.end()) return;
  throw HttpError(
      400, fmt::format("MCP-Protocol-Version: expected {}, got another one", fmt::join(kVersions, ", ")),
      "bad_version");
}

Reply answer(App& app, const Request& request, Exchange& exchange) {
  auto message = json_value_of(request.body);
  // A client that begins may name a version that it has not agreed on yet.
  if (!message.is_object() || message.value("method", json()) != "initialize") expect_known_version(request);
  McpCall call(app, request, exchange);
  return message.is_array() ? reply_to_batch(call, std::move(message))
                            : reply_of(answer_to(call, std::move(message)));
}

}  // namespace

void add_mcp_routes(Site& site, App& app) {
  site.add({.method = "POST",
            .path = "/mcp",
            .handler = [&app](const Request& request,
                              Exchange& exchange) { return answer(app, request, exchange); },
            .media = {"application/json"}});
}

}  // namespace ccexpert::serve

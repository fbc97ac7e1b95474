#include <algorithm>
#include <charconv>
#include <ctime>

#include <nlohmann/json.hpp>

#include "serve/app.h"
#include "serve/caption_answer.h"
#include "serve/chat_request.h"
#include "serve/event_stream.h"

namespace ccexpert::serve {
namespace {

using Json = nlohmann::ordered_json;

/// Returns null if there is no token: a search tells none.
Json logprobs_json(const std::vector<TokenText>& tokens) {
  if (tokens.empty()) return nullptr;
  auto content = Json::array();
  for (const auto& token : tokens) {
    content.push_back({{"token", token.text},
                       {"logprob", token.logprob},
                       {"bytes", nullptr},
                       {"top_logprobs", Json::array()}});
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

/// Answer in OpenAI's objects.
class Chat {
 public:
  Chat(Asking asking, AskedChat chat, const std::string& id)
      : asking_(std::move(asking)), chat_(std::move(chat)), id_("chatcmpl-" + id), request_(id) {}

  std::optional<Reply> answer() { return chat_.asked.stream ? stream() : whole(); }

 private:
  Json object(const char* kind, Json choices) const {
    return {{"id", id_},
            {"object", kind},
            {"created", created_},
            {"model", asking_.captions->facts().name},
            {"system_fingerprint", nullptr},
            {"choices", std::move(choices)}};
  }

  Reply whole() {
    std::vector<TokenText> tokens;
    const auto finished = awaited(asking_, std::move(chat_.asked.job),
                                  [&](const TokenText& token) { tokens.push_back(token); });
    Json choice{{"index", 0},
                {"message", {{"role", "assistant"}, {"content", finished.text}, {"refusal", nullptr}}},
                {"logprobs", chat_.logprobs ? logprobs_json(tokens) : Json(nullptr)},
                {"finish_reason", finish_word(finished.finish)}};
    auto reply = object("chat.completion", Json::array({std::move(choice)}));
    reply["usage"] = usage_json(finished);
    return json_reply(reply);
  }

  void send(EventStream& events, Json delta, const Json& finish, const Json& logprobs = nullptr) const {
    auto chunk = object("chat.completion.chunk", Json::array({{{"index", 0},
                                                               {"delta", std::move(delta)},
                                                               {"logprobs", logprobs},
                                                               {"finish_reason", finish}}}));
    if (chat_.include_usage) chunk["usage"] = nullptr;
    events.send(json_text(chunk));
  }

  /// Sends the first chunk, which has no text.
  void begin(EventStream& events) {
    if (!is_begun_) send(events, {{"role", "assistant"}, {"content", ""}}, nullptr);
    is_begun_ = true;
  }

  /// Sends the text of a token. Captions have no blanks at their start.
  void send_token(EventStream& events, const TokenText& token) {
    begin(events);
    const auto start = has_text_ ? 0 : std::min(token.text.find_first_not_of(" \n"), token.text.size());
    auto text = token.text.substr(start);
    if (text.empty() && !chat_.logprobs) return;
    has_text_ = has_text_ || !text.empty();
    send(events, {{"content", std::move(text)}}, nullptr,
         chat_.logprobs ? logprobs_json({token}) : Json(nullptr));
  }

  std::optional<Reply> stream() {
    EventStream events(asking_.exchange);
    try {
      const auto finished = awaited(asking_, std::move(chat_.asked.job),
                                    [&](const TokenText& token) { send_token(events, token); });
      if (!is_begun_) {
        begin(events);
        if (!finished.text.empty()) send(events, {{"content", finished.text}}, nullptr);
      }
      send(events, Json::object(), finish_word(finished.finish));
      if (chat_.include_usage) {
        auto last = object("chat.completion.chunk", Json::array());
        last["usage"] = usage_json(finished);
        events.send(json_text(last));
      }
      events.send("[DONE]");
    } catch (const std::exception& error) {
      if (!events.is_started()) throw;
      events.send(asking_.failure(error, request_));
    }
    return std::nullopt;
  }

  Asking asking_;
  AskedChat chat_;
  std::string id_;
  std::string request_;
  int64_t created_ = std::time(nullptr);  ///< seconds since 1970
  bool is_begun_ = false;
  bool has_text_ = false;
};

std::optional<Reply> complete(App& app, const Request& request, Exchange& exchange) {
  AskedChat chat;
  auto asking = app.begin(
      request, exchange, [&]() -> auto& {
        chat = asked_chat(json_object(request.body), app.limits());
        return chat.asked;
      });
  return Chat(std::move(asking), std::move(chat), request.id).answer();
}

Json model_json(const ModelFacts& facts) {
  return {{"id", facts.name},
          {"object", "model"},
          {"created", facts.created},
          {"owned_by", "ccexpert"},
          {"description", facts.description},
          {"engine", facts.engine},
          {"question", facts.question},
          {"calibrated", facts.calibrated},
          {"change_threshold", facts.change_threshold}};
}

Reply models(const App& app) {
  return json_reply({{"object", "list"}, {"data", Json::array({model_json(app.captions()->facts())})}});
}

/// Returns a part of a path with its escapes ("%20") as bytes; other text stays.
std::string unescaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    int byte = 0;
    const auto digits = text.substr(std::min(i + 1, text.size()), 2);
    const bool is_escape = text[i] == '%' && digits.size() == 2 &&
                           std::from_chars(digits.begin(), digits.end(), byte, 16).ptr == digits.end() &&
                           byte >= 0;
    result += is_escape ? static_cast<char>(byte) : text[i];
    if (is_escape) i += 2;
  }
  return result;
}

Reply model(const App& app, const Request& request) {
  constexpr std::string_view kPrefix = "/v1/models/";
  const auto facts = app.captions()->facts();
  expect_model(unescaped(std::string_view(request.path).substr(kPrefix.size())), facts);
  return json_reply(model_json(facts));
}

}  // namespace

void add_chat_routes(Site& site, App& app) {
  site.add({.method = "POST",
            .path = "/v1/chat/completions",
            .handler = [&app](const Request& request,
                              Exchange& exchange) { return complete(app, request, exchange); },
            .media = {"application/json"}});
  site.add({.method = "GET", .path = "/v1/models", .handler = [&app](const Request&, Exchange&) {
              return models(app);
            }});
  site.add({.method = "GET", .path = "/v1/models/*", .handler = [&app](const Request& request, Exchange&) {
              return model(app, request);
            }});
}

}  // namespace ccexpert::serve

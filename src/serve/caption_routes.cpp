#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "serve/app.h"
#include "serve/caption_answer.h"
#include "serve/caption_request.h"
#include "serve/event_stream.h"

namespace ccexpert::serve {
namespace {

using Json = nlohmann::ordered_json;

std::optional<Reply> stream(const Asking& asking, AskedCaption asked, const std::string& id) {
  EventStream events(asking.exchange);
  try {
    const auto finished = awaited(asking, std::move(asked.job), [&](const TokenText& token) {
      if (!token.text.empty()) events.send(json_text({{"text", token.text}}), "token");
    });
    events.send(json_text(answer_json(finished, asked, asking.captions->facts(), id)), "done");
  } catch (const std::exception& error) {
    if (!events.is_started()) throw;
    events.send(asking.failure(error, id), "error");
  }
  return std::nullopt;
}

std::optional<Reply> answer(App& app, const Request& request, Exchange& exchange) {
  AskedCaption asked;
  const auto asking = app.begin(
      request, exchange, [&]() -> auto& { return asked = asked_caption(request, app.limits()); });
  if (asked.stream) return stream(asking, std::move(asked), request.id);
  const auto caption = awaited(asking, std::move(asked.job), [](const TokenText&) {});
  return json_reply(answer_json(caption, asked, asking.captions->facts(), request.id));
}

}  // namespace

void add_caption_routes(Site& site, App& app) {
  site.add({.method = "POST",
            .path = "/v1/captions",
            .handler = [&app](const Request& request,
                              Exchange& exchange) { return answer(app, request, exchange); },
            .media = {"application/json", "multipart/form-data"}});
}

}  // namespace ccexpert::serve

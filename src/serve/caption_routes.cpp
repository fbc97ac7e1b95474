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
    events.send(json_text(answer_json(finished, asked, asking.captions.facts(), id)), "done");
  } catch (const std::exception& error) {
    if (!events.is_started()) throw;
    const auto body = error_body(error, id);
    asking.exchange.note_failure(body.status);
    events.send(body.json, "error");
  }
  return std::nullopt;
}

std::optional<Reply> caption(App& app, const Request& request, Exchange& exchange) {
  const auto captions = app.captions();
  auto asked = asked_caption(request, app.limits());
  expect_model(asked.model, captions->facts());
  complete_job(asked.job, request, app.limits(), *captions);
  const Asking asking{*captions, app.metrics(), exchange};
  load_pair(asking, asked, app.pair_limits());
  if (asked.stream) return stream(asking, std::move(asked), request.id);
  const auto finished = awaited(asking, std::move(asked.job), [](const TokenText&) {});
  return json_reply(answer_json(finished, asked, captions->facts(), request.id));
}

}  // namespace

void add_caption_routes(Site& site, App& app) {
  site.add({.method = "POST",
            .path = "/v1/captions",
            .handler = [&app](const Request& request,
                              Exchange& exchange) { return caption(app, request, exchange); },
            .media = {"application/json", "multipart/form-data"}});
}

}  // namespace ccexpert::serve

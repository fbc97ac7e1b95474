// Server-sent events (WHATWG HTML, "Server-sent events").
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "serve/http.h"

namespace ccexpert::serve {

/// Stream of events, which starts with the first one: an error before it is an ordinary reply.
class EventStream {
 public:
  explicit EventStream(Exchange& exchange) : exchange_(exchange) {}

  bool is_started() const { return started_; }

  /// Sends one line of data. `event`: its name, or empty.
  void send(std::string_view data, std::string_view event = {}) {
    start();
    exchange_.write(event.empty() ? fmt::format("data: {}\n\n", data)
                                  : fmt::format("event: {}\ndata: {}\n\n", event, data));
  }

  void start() {
    if (started_) return;
    started_ = true;
    // Proxies that collect answers would hold the events back.
    exchange_.start({.status = 200,
                     .type = "text/event-stream; charset=utf-8",
                     .headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}}});
  }

 private:
  Exchange& exchange_;
  bool started_ = false;
};

}  // namespace ccexpert::serve

#include "geo/webhook.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "geo/http.h"

namespace ccexpert::geo {
namespace {

/// Longest wait before an attempt of a delivery.
constexpr Webhook::Seconds kLongestWait(300.0);
constexpr int64_t kMostDoublings = 20;

}  // namespace

void Webhook::send(const std::stop_token& stop) {
  if (options_.webhook.empty()) return;
  while (!journal_.deliveries().empty() && !stop.stop_requested() && Clock::now() >= next_) {
    const auto delivery = journal_.deliveries().front();
    const auto body = delivery.body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    const auto refusal =
        post({.url = options_.webhook, .body = body, .key = delivery.key, .token = options_.token});
    if (!refusal.empty()) {
      put_off(refusal);
      return;
    }
    journal_.mark_delivered(delivery.key);
    tries_ = 0;
  }
}

std::optional<Webhook::Seconds> Webhook::due() const {
  if (options_.webhook.empty() || journal_.deliveries().empty()) return std::nullopt;
  return std::max<Seconds>(Seconds(0.0), next_ - Clock::now());
}

void Webhook::put_off(const std::string& refusal) {
  const auto factor = static_cast<double>(int64_t{1} << std::min(tries_, kMostDoublings));
  const auto time = std::min(kLongestWait, Seconds(options_.retry * factor));
  ++tries_;
  next_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(time);
  if (!reports_.note) return;
  const auto then = gives_up() ? std::string("the next run sends them again")
                               : fmt::format("next attempt in {:g} s", time.count());
  reports_.note(fmt::format("{}: expected to take alerts, got {} ({})", options_.webhook, refusal, then));
}

}  // namespace ccexpert::geo

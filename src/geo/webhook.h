// Deliveries of alerts to a webhook.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "geo/shared/watch.h"
#include "geo/watch_journal.h"

namespace ccexpert::geo {

/// Sender of the deliveries of a journal, with a growing wait after a refusal. Without a webhook it sends
/// nothing.
class Webhook {
 public:
  using Seconds = std::chrono::duration<double>;

  Webhook(const WatchOptions& options, WatchJournal& journal, const WatchReports& reports)
      : options_(options), journal_(journal), reports_(reports) {}

  /// Sends what is due, in the order of the maps.
  void send(const std::stop_token& stop);

  /// Returns the time until the next attempt; nothing if there is nothing to send.
  std::optional<Seconds> due() const;
  /// True if a run over what is there leaves the rest to the next one.
  bool gives_up() const { return options_.once && tries_ >= options_.attempts; }

 private:
  using Clock = std::chrono::steady_clock;

  void put_off(const std::string& refusal);

  const WatchOptions& options_;
  WatchJournal& journal_;
  const WatchReports& reports_;
  int64_t tries_ = 0;
  Clock::time_point next_;
};

}  // namespace ccexpert::geo

#include "distributed/watchdog.h"

#include <algorithm>

#include <fmt/format.h>

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLongestPause(100);

/// A `look` that throws counts as failed.
Watchdog::State state_of(const std::function<Watchdog::State()>& look) {
  try {
    return look();
  } catch (const std::exception&) {
    return Watchdog::State::kFailed;
  }
}

}  // namespace

Watchdog::Watchdog(Limits limits, OnLate on_late)
    : limits_(std::move(limits)),
      on_late_(std::move(on_late)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Watchdog::~Watchdog() {
  thread_.request_stop();
  changed_.notify_all();
}

void Watchdog::watch(std::string what, std::function<State()> look) {
  const std::lock_guard lock(mutex_);
  watched_.push_back({std::move(what), std::move(look), Clock::now()});
}

std::string Watchdog::verdict(State state) const {
  if (state == State::kFailed) return "it failed";
  if (state == State::kDone || !limits_.timeout) return {};
  return Clock::now() - watched_.front().start > *limits_.timeout ? "it did not end in time" : "";
}

std::string Watchdog::suspicion() const {
  if (watched_.empty()) return {};
  const auto now = Clock::now(), start = watched_.front().start;
  if (limits_.stop.stop_requested() && now - std::max(progress_, start) > limits_.stop_timeout)
    return fmt::format("it did not end within {} s after the stop", limits_.stop_timeout.count() / 1000);
  if (limits_.life_timeout && now - std::max(asked_, start) > *limits_.life_timeout)
    return "it did not end, and a rank is gone";
  return {};
}

std::string Watchdog::take_first() {
  auto what = std::move(watched_.front().what);
  watched_.pop_front();
  progress_ = Clock::now();
  return what;
}

void Watchdog::run(const std::stop_token& stop) {
  const auto shortest = limits_.timeout.value_or(limits_.stop_timeout);
  const auto pause = std::clamp(shortest / 20, milliseconds(1), kLongestPause);
  std::unique_lock lock(mutex_);
  const auto report = [&](const std::string& why) {
    const auto what = take_first();
    lock.unlock();
    on_late_(what, why);
  };
  progress_ = Clock::now();
  while (!stop.stop_requested()) {
    if (!limits_.stop.stop_requested()) progress_ = Clock::now();
    while (!watched_.empty()) {
      const auto state = state_of(watched_.front().look);
      if (const auto why = verdict(state); !why.empty()) return report(why);
      if (state == State::kRunning) break;
      take_first();
    }
    if (const auto why = suspicion(); !why.empty()) {
      lock.unlock();
      const bool hopeless = limits_.hopeless();
      lock.lock();
      asked_ = progress_ = Clock::now();
      const bool runs = !watched_.empty() && state_of(watched_.front().look) == State::kRunning;
      if (hopeless && runs) return report(why);
    }
    changed_.wait_for(lock, stop, pause, [] { return false; });
  }
}

}  // namespace ccexpert::distributed

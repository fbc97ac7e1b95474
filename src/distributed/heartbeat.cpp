#include "distributed/heartbeat.h"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <ccexpert/core/log.h>

namespace ccexpert::distributed {
namespace {

constexpr const char* kVerdict = "verdict";
constexpr const char* kNoLife = "shows no sign of life";
/// Number of beats that a rank may miss.
constexpr int kPatience = 4;
/// On a busy machine this process's own thread may be late.
constexpr std::chrono::milliseconds kGrace(1000);

std::string key_of(int rank) {
  return fmt::format("heartbeat/{}", rank);
}

std::string no_life(int rank) {
  return fmt::format("rank {} {}", rank, kNoLife);
}

struct Sign {
  std::string beat;
  int64_t collectives = 0;
};

}  // namespace

/// Shared with the thread, which may outlive the heartbeat if the store never answers.
struct Heartbeat::State {
  State(SharedTexts shared_texts, int own_rank, int ranks, std::chrono::milliseconds between)
      : texts(std::move(shared_texts)), rank(own_rank), size(ranks), interval(between) {}

  const SharedTexts texts;
  const int rank;
  const int size;
  const std::chrono::milliseconds interval;

  std::mutex mutex;
  std::condition_variable changed;
  int64_t collectives = 0;
  bool watching = false;
  bool stopping = false;
  bool ended = false;
  int64_t looked = 0;                      ///< number of times that all signs were read
  std::vector<std::optional<Sign>> signs;  ///< signs at the last read
  std::string verdict;

  void run();
  void beat(int64_t number);
  void read_signs();
  void exchange_verdict();
  bool wait_for_looks(std::unique_lock<std::mutex>& lock, int count);
  std::string judge(const std::vector<std::optional<Sign>>& before) const;
};

void Heartbeat::State::run() {
  try {
    for (int64_t number = 0;; ++number) {
      beat(number);
      exchange_verdict();
      read_signs();
      std::unique_lock lock(mutex);
      changed.wait_for(lock, interval, [this] { return stopping; });
      if (stopping) break;
    }
    exchange_verdict();
  } catch (const std::exception& error) {
    // The rank that serves the store is gone; the collective that fails reports it.
    log::debug(fmt::format("rank {}: the heartbeat ends: {}", rank, error.what()));
  }
  const std::lock_guard lock(mutex);
  ended = true;
  changed.notify_all();
}

void Heartbeat::State::beat(int64_t number) {
  std::unique_lock lock(mutex);
  const auto sign = fmt::format("{} {}", number, collectives);
  lock.unlock();
  texts.set(key_of(rank), sign);
}

void Heartbeat::State::exchange_verdict() {
  const auto known = texts.get(kVerdict);
  std::unique_lock lock(mutex);
  if (known) {
    verdict = *known;
    changed.notify_all();
  } else if (const auto own = verdict; !own.empty()) {
    lock.unlock();
    texts.set(kVerdict, own);
  }
}

void Heartbeat::State::read_signs() {
  {
    const std::lock_guard lock(mutex);
    if (!watching) return;
  }
  std::vector<std::optional<Sign>> read;
  for (int which = 0; which < size; ++which) {
    auto& sign = read.emplace_back();
    const auto text = texts.get(key_of(which));
    if (!text) continue;
    const auto blank = text->find(' ');
    sign = Sign{text->substr(0, blank), std::stoll(text->substr(blank + 1))};
  }
  const std::lock_guard lock(mutex);
  signs = std::move(read);
  ++looked;
  changed.notify_all();
}

/// Returns false if the store does not answer or another rank has published a verdict.
bool Heartbeat::State::wait_for_looks(std::unique_lock<std::mutex>& lock, int count) {
  for (const int64_t wanted = looked + count; looked < wanted;) {
    const int64_t next = looked + 1;
    changed.wait_for(lock, 3 * interval + kGrace,
                     [&] { return looked >= next || ended || !verdict.empty(); });
    if (looked < next || !verdict.empty()) return false;
  }
  return true;
}

std::string Heartbeat::State::judge(const std::vector<std::optional<Sign>>& before) const {
  std::string slow;
  for (int which = 0; which < size; ++which) {
    if (which == rank) continue;
    const auto& sign = signs[static_cast<size_t>(which)];
    const auto& last = before[static_cast<size_t>(which)];
    if (!sign || (last && last->beat == sign->beat)) return no_life(which);
    const int64_t behind = collectives - sign->collectives;
    if (slow.empty() && behind > 0)
      slow = fmt::format("rank {} lives, but is {} collectives behind", which, behind);
  }
  return slow;
}

Heartbeat::Heartbeat(SharedTexts texts, int rank, int size, std::chrono::milliseconds interval)
    : state_(std::make_shared<State>(std::move(texts), rank, size, interval)) {
  std::thread([state = state_] { state->run(); }).detach();
}

Heartbeat::~Heartbeat() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, kPatience * state_->interval, [this] { return state_->ended; });
}

void Heartbeat::count_collective() {
  const std::lock_guard lock(state_->mutex);
  ++state_->collectives;
}

std::chrono::milliseconds Heartbeat::time_to_tell() const {
  return 3 * state_->interval;
}

std::string Heartbeat::diagnose() {
  return watch_others(false);
}

std::string Heartbeat::lost_rank() {
  return watch_others(true);
}

std::string Heartbeat::watch_others(bool for_life_alone) {
  auto& state = *state_;
  std::unique_lock lock(state.mutex);
  state.watching = true;
  bool answers = state.wait_for_looks(lock, 1);
  const auto before = state.signs;
  answers = answers && state.wait_for_looks(lock, kPatience);
  state.watching = false;
  if (!state.verdict.empty()) return state.verdict;
  const auto found = answers ? state.judge(before) : no_life(0);
  if (for_life_alone && found.find(kNoLife) == std::string::npos) return {};
  return state.verdict = found;
}

}  // namespace ccexpert::distributed

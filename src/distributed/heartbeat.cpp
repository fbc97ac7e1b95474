#include "distributed/heartbeat.h"

#include <vector>

#include <fmt/format.h>

namespace ccexpert::distributed {
namespace {

std::string key_of(int rank) {
  return fmt::format("heartbeat/{}", rank);
}

}  // namespace

Heartbeat::Heartbeat(SharedTexts texts, int rank, int size, std::chrono::milliseconds interval)
    : texts_(std::move(texts)), rank_(rank), size_(size), interval_(interval), thread_([this] { run(); }) {}

Heartbeat::~Heartbeat() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_condition_.notify_all();
  thread_.join();
}

void Heartbeat::run() {
  std::unique_lock lock(mutex_);
  for (int64_t beat = 0; !stopping_; ++beat) {
    lock.unlock();
    try {
      texts_.set(key_of(rank_), fmt::format("{} {}", beat, collectives_.load()));
    } catch (const std::exception&) {
      // The rank that holds the store is gone; the collective that fails for it says so.
      return;
    }
    lock.lock();
    stop_condition_.wait_for(lock, interval_, [this] { return stopping_; });
  }
}

std::optional<Heartbeat::Sign> Heartbeat::sign_of(int rank) {
  const auto text = texts_.get(key_of(rank));
  if (!text) return std::nullopt;
  const auto blank = text->find(' ');
  return Sign{text->substr(0, blank), std::stoll(text->substr(blank + 1))};
}

std::string Heartbeat::diagnose() {
  std::vector<std::optional<Sign>> first, second;
  try {
    for (int rank = 0; rank < size_; ++rank) first.push_back(sign_of(rank));
    std::this_thread::sleep_for(4 * interval_);
    for (int rank = 0; rank < size_; ++rank) second.push_back(sign_of(rank));
  } catch (const std::exception&) {
    return "rank 0 shows no sign of life";
  }
  for (int rank = 0; rank < size_; ++rank) {
    const auto at = static_cast<size_t>(rank);
    if (rank != rank_ && (!second[at] || (first[at] && first[at]->beat == second[at]->beat))) {
      return fmt::format("rank {} shows no sign of life", rank);
    }
  }
  for (int rank = 0; rank < size_; ++rank) {
    const int64_t behind = collectives_ - second[static_cast<size_t>(rank)]->collectives;
    if (behind > 0) return fmt::format("rank {} lives, but is {} collectives behind", rank, behind);
  }
  return "";
}

}  // namespace ccexpert::distributed

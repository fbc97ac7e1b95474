// Signs of life that every rank leaves for the others.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace ccexpert::distributed {

/// Texts by key that all ranks see; `get` gives nothing where a key is not there, and throws where the store
/// is gone.
struct SharedTexts {
  std::function<void(const std::string&, const std::string&)> set;
  std::function<std::optional<std::string>(const std::string&)> get;
};

/// Writes at short intervals that this rank lives, and how many collectives it has entered.
class Heartbeat {
 public:
  Heartbeat(SharedTexts texts, int rank, int size, std::chrono::milliseconds interval);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void count_collective() { ++collectives_; }

  /// Why a collective may have failed: "rank 2 shows no sign of life", "rank 1 is 3 collectives behind", or
  /// "" where every rank is well. Watches the others for a few intervals.
  std::string diagnose();

 private:
  struct Sign {
    std::string beat;
    int64_t collectives = 0;
  };
  void run();
  std::optional<Sign> sign_of(int rank);

  SharedTexts texts_;
  int rank_;
  int size_;
  std::chrono::milliseconds interval_;
  std::atomic<int64_t> collectives_ = 0;
  std::mutex mutex_;
  std::condition_variable stop_condition_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ccexpert::distributed

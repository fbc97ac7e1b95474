// Timing of a captioner's stages.
#pragma once

#include <chrono>
#include <mutex>
#include <utility>

#include <ccexpert/captioner.h>

#include "runtime/device.h"

namespace ccexpert::generate {

/// Sums stage times over all calls of all threads.
class Stopwatch {
 public:
  explicit Stopwatch(at::Device device) : device_(device) {}

  /// Runs `work`, adds its wall time to one stage, and returns its result. What `work` times itself belongs
  /// to that stage alone.
  template <class Work>
  auto time(double CaptionerTimings::*stage, Work&& work) {
    const auto start = std::chrono::steady_clock::now();
    const double before = std::exchange(inner_seconds, 0.0);
    auto result = work();
    runtime::synchronize(device_);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    const std::lock_guard lock(mutex_);
    sums_.*stage += spent.count() - std::exchange(inner_seconds, before + spent.count());
    return result;
  }

  /// Adds the counts of pairs and tokens.
  void count(const CaptionerTimings& counts) {
    const std::lock_guard lock(mutex_);
    sums_.pairs += counts.pairs;
    sums_.prompt_tokens += counts.prompt_tokens;
    sums_.reused_tokens += counts.reused_tokens;
    sums_.generated_tokens += counts.generated_tokens;
    sums_.drafted_tokens += counts.drafted_tokens;
  }

  CaptionerTimings sums() const {
    const std::lock_guard lock(mutex_);
    return sums_;
  }

 private:
  inline static thread_local double inner_seconds = 0.0;  // seconds of work within the work of this thread

  at::Device device_;
  mutable std::mutex mutex_;
  CaptionerTimings sums_;
};

}  // namespace ccexpert::generate

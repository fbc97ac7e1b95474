// Parallel loops over items, with results in order.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/threads.h"

namespace ccexpert::datasets {

/// Calls `work(i)` for i in [0, count) on `jobs` threads (0: one per core). Rethrows the first exception
/// after all threads have ended.
template <class Work>
void parallel_for(int64_t count, int64_t jobs, Work&& work) {
  std::atomic<int64_t> next = 0;
  std::exception_ptr problem;
  std::mutex mutex;
  const auto take = [&] {
    try {
      for (int64_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!problem) problem = std::current_exception();
      next = count;
    }
  };
  const int64_t threads = std::min(threads_or_cores(jobs), count);
  if (threads <= 1) {
    take();
  } else {
    std::vector<std::jthread> pool;
    for (int64_t i = 0; i < threads; ++i) pool.emplace_back(take);
  }
  if (problem) std::rethrow_exception(problem);
}

/// Calls `give(i, result)` in order with the results of `work(i)`, which runs in parallel in batches, so that
/// at most one batch of results is in memory.
template <class Work, class Give>
void parallel_ordered(int64_t count, int64_t jobs, Work&& work, Give&& give) {
  using Result = decltype(work(int64_t{0}));
  const int64_t batch = 32 * threads_or_cores(jobs);
  for (int64_t first = 0; first < count; first += batch) {
    const int64_t size = std::min(batch, count - first);
    std::vector<Result> results(static_cast<size_t>(size));
    parallel_for(size, jobs, [&](int64_t i) { results[static_cast<size_t>(i)] = work(first + i); });
    for (int64_t i = 0; i < size; ++i) give(first + i, std::move(results[static_cast<size_t>(i)]));
  }
}

}  // namespace ccexpert::datasets

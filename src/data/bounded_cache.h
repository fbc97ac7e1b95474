// Cache of values by path in a bounded amount of memory. It never evicts.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace ccexpert::data {

/// Memory budget that several caches share.
class ByteBudget {
 public:
  explicit ByteBudget(int64_t bytes) : left_(bytes) {}

  bool take(int64_t bytes) {
    int64_t left = left_.load();
    while (left >= bytes) {
      if (left_.compare_exchange_weak(left, left - bytes)) return true;
    }
    return false;
  }

 private:
  std::atomic<int64_t> left_;
};

/// Thread-safe cache.
template <class Value>
class BoundedCache {
 public:
  explicit BoundedCache(ByteBudget& budget) : budget_(budget) {}

  /// Returns null if the value is not cached.
  std::shared_ptr<const Value> find(const std::string& key) const {
    const std::scoped_lock lock(mutex_);
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : found->second;
  }

  /// Keeps the value if there is space for `bytes`.
  void offer(const std::string& key, std::shared_ptr<const Value> value, int64_t bytes) {
    const std::scoped_lock lock(mutex_);
    if (!values_.contains(key) && budget_.take(bytes)) values_.emplace(key, std::move(value));
  }

 private:
  ByteBudget& budget_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Value>> values_;
};

}  // namespace ccexpert::data

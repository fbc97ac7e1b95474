/// Observer of a decoder with caches: other processes can do with their parts what this one does.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

namespace ccexpert::model {

/// Told of each call before it happens. Caches have numbers that the observer gives.
class DecoderObserver {
 public:
  virtual ~DecoderObserver() = default;

  /// A cache is used for the first time. Returns its number.
  virtual int64_t made(int64_t capacity) = 0;
  /// Returns the number of the copy.
  virtual int64_t copied(int64_t cache) = 0;
  virtual void selected(int64_t cache, const std::vector<int64_t>& rows) = 0;  ///< A cache keeps these rows
  /// Row b keeps its first `lengths[b]` tokens.
  virtual void truncated(int64_t cache, const std::vector<int64_t>& lengths) = 0;
  virtual void reserved(int64_t cache, int64_t capacity) = 0;  ///< A cache has room for this length
  virtual void dropped(int64_t cache) noexcept = 0;            ///< A cache ended
  /// The next pass has these positions [B,T], on the CPU (KvCache::place).
  virtual void placed(int64_t cache, const at::Tensor& positions) = 0;
  /// A forward pass of embeddings [B,T,H]; `lengths` are those of the cache, and `added` the real tokens of
  /// each row (empty: all).
  virtual void passed(int64_t cache, const std::vector<int64_t>& lengths, const at::Tensor& embeddings,
                      const std::vector<int64_t>& added) = 0;
};

/// Membership of a cache at an observer, or none. A copy becomes a member of its own.
class ObservedCache {
 public:
  ObservedCache() = default;
  ObservedCache(std::shared_ptr<DecoderObserver> observer, int64_t number)  ///< Becomes a member
      : observer_(std::move(observer)), number_(number) {}
  ObservedCache(const ObservedCache& other)  ///< The copy becomes a member of its own
      : observer_(other.observer_), number_(observer_ ? observer_->copied(other.number_) : 0) {}
  ObservedCache(ObservedCache&& other) noexcept
      : observer_(std::move(other.observer_)), number_(other.number_) {}
  ObservedCache& operator=(ObservedCache other) noexcept {  ///< Copies or moves
    std::swap(observer_, other.observer_);
    std::swap(number_, other.number_);
    return *this;
  }
  ~ObservedCache() {
    if (observer_) observer_->dropped(number_);
  }
  /// True if this is the cache's observer.
  bool is_at(const std::shared_ptr<DecoderObserver>& observer) const { return observer_ == observer; }
  int64_t number() const { return number_; }             ///< name of the cache
  void select(const std::vector<int64_t>& rows) const {  ///< Tells of kept rows
    if (observer_) observer_->selected(number_, rows);
  }
  void truncate(const std::vector<int64_t>& lengths) const {  ///< Tells of new lengths
    if (observer_) observer_->truncated(number_, lengths);
  }
  void reserve(int64_t capacity) const {  ///< Tells of new room
    if (observer_) observer_->reserved(number_, capacity);
  }

 private:
  std::shared_ptr<DecoderObserver> observer_;
  int64_t number_ = 0;
};

}  // namespace ccexpert::model

// Pairs of a service, and the memory of those that were asked about last.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include <ATen/core/Tensor.h>

#include "generate/captioner_impl.h"
#include "generate/keyed_hash.h"
#include "generate/shared/caption_service.h"

namespace ccexpert::generate {

class PreparedPair {
 public:
  using Key = KeyedHash::Value;
  PreparedPair(const Key& hash, at::Tensor prepared) : key(hash), pixels(std::move(prepared)) {}

  /// Returns the bytes of the pixels and of all results.
  int64_t bytes() const;
  void forget();

  const Key key;            ///< hash of the pixels
  const at::Tensor pixels;  ///< [2,3,P,P] in float32 on the CPU

  // Only the worker uses these.
  std::optional<EncodedPairs> images;  ///< of this pair alone
  KeptPrompts kept;                    ///< of the last question about it
};

/// Pairs that are in use, and those that were used last with their results, within a budget of bytes.
class PairMemory {
 public:
  explicit PairMemory(int64_t budget);

  /// Returns the pair of pixels [2,3,P,P], a known one if it has equal pixels. Thread-safe.
  PairHandle pair_of(at::Tensor pixels);
  /// Makes a pair the one used last, after its results changed, and forgets others beyond the budget. Only
  /// for the worker.
  void used(const PairHandle& pair);
  bool keeps() const { return budget_ > 0; }
  /// Returns the bytes of the pairs that were used last. Thread-safe.
  int64_t bytes() const;

 private:
  struct Use {
    PairHandle pair;
    int64_t bytes;
  };
  void drop_oldest();

  const int64_t budget_;
  const KeyedHash hash_;
  mutable std::mutex mutex_;
  std::map<PreparedPair::Key, std::weak_ptr<PreparedPair>> known_;
  std::list<Use> uses_;  // most recent first
  int64_t bytes_ = 0;
};

}  // namespace ccexpert::generate

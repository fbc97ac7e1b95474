/// Features of images that were seen before.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "generate/keyed_hash.h"

namespace ccexpert::generate {

/// Numbers of images since the cache was made.
struct FeatureCounts {
  int64_t encoded = 0;  ///< by the tower
  int64_t reused = 0;   ///< features were held, or belong to an equal image of the same call
};

/// Features of the most recently used images of one tower, within a budget of bytes. An image is known by a
/// hash of its prepared pixels: names, pairs and dates do not matter. Thread-safe.
class FeatureCache {
 public:
  /// Maps pixels [I,3,P,P] to S features, [I,...] each.
  using Tower = std::function<std::vector<at::Tensor>(const at::Tensor& pixels)>;

  /// `budget` is the memory of the held features in bytes. 0: the cache holds none and compares no images.
  explicit FeatureCache(int64_t budget);

  /// Returns the S features [I,...] of `pixels` [I,3,P,P] in the CPU's memory. `tower` is called at most
  /// once, for the images whose features are not held; equal images are one.
  std::vector<at::Tensor> features(const at::Tensor& pixels, const Tower& tower);

  FeatureCounts counts() const;
  /// Returns the memory of the held features in bytes.
  int64_t bytes() const;

 private:
  using Hash = KeyedHash::Value;
  using Features = std::shared_ptr<const std::vector<at::Tensor>>;  // S of one image
  struct Entry {
    Features features;
    int64_t bytes;
    std::list<Hash>::iterator use;  // place in uses_
  };

  std::vector<Hash> hashes_of(const at::Tensor& pixels) const;
  /// Returns the S features of the images with these hashes, all of which are in `found`.
  static std::vector<at::Tensor> gathered(std::span<const Hash> hashes,
                                          const std::map<Hash, Features>& found);
  /// Returns those that are held, which become the most recently used.
  std::map<Hash, Features> held(std::span<const Hash> hashes);
  /// Copies the features of one image, if they fit.
  void keep(const Hash& hash, const std::vector<at::Tensor>& views);
  void drop_oldest();
  void count(size_t encoded, size_t images);

  const int64_t budget_;
  const KeyedHash hash_;
  mutable std::mutex mutex_;
  std::map<Hash, Entry> entries_;
  std::list<Hash> uses_;  // most recent first
  int64_t bytes_ = 0;
  FeatureCounts counts_;
};

}  // namespace ccexpert::generate

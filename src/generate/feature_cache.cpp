#include "generate/shared/feature_cache.h"

#include <utility>

#include <ATen/ATen.h>

namespace ccexpert::generate {
namespace {

/// Returns the features of image `index`, in the memory of their batch.
std::vector<at::Tensor> features_of(const std::vector<at::Tensor>& batch, int64_t index) {
  std::vector<at::Tensor> features;
  for (const auto& scale : batch) features.push_back(scale[index]);
  return features;
}

int64_t bytes_of(const std::vector<at::Tensor>& features) {
  int64_t bytes = 0;
  for (const auto& scale : features) bytes += static_cast<int64_t>(scale.nbytes());
  return bytes;
}

}  // namespace

FeatureCache::FeatureCache(int64_t budget) : budget_(budget) {}

std::vector<at::Tensor> FeatureCache::features(const at::Tensor& pixels, const Tower& tower) {
  const auto images = static_cast<size_t>(pixels.size(0));
  if (budget_ == 0) {
    count(images, images);
    return tower(pixels);
  }
  const auto hashes = hashes_of(pixels);
  auto found = held(hashes);
  std::vector<int64_t> missing;  // first image of each hash that is not held
  for (size_t i = 0; i < images; ++i) {
    if (found.try_emplace(hashes[i]).second) missing.push_back(static_cast<int64_t>(i));
  }
  count(missing.size(), images);
  if (missing.empty()) return gathered(hashes, found);
  // All images are missing in most calls: nothing needs to be gathered then.
  const bool all = missing.size() == images;
  const auto fresh = tower(all ? pixels : pixels.index_select(0, at::tensor(missing, at::kLong)));
  for (size_t i = 0; i < missing.size(); ++i) {
    const auto& hash = hashes[static_cast<size_t>(missing[i])];
    auto views = features_of(fresh, static_cast<int64_t>(i));
    keep(hash, views);
    found[hash] = std::make_shared<const std::vector<at::Tensor>>(std::move(views));
  }
  return all ? fresh : gathered(hashes, found);
}

std::vector<at::Tensor> FeatureCache::gathered(std::span<const Hash> hashes,
                                               const std::map<Hash, Features>& found) {
  std::vector<at::Tensor> features;
  for (size_t scale = 0; scale < found.begin()->second->size(); ++scale) {
    std::vector<at::Tensor> images;
    for (const auto& hash : hashes) images.push_back(found.at(hash)->at(scale));
    features.push_back(at::stack(images));
  }
  return features;
}

FeatureCounts FeatureCache::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

int64_t FeatureCache::bytes() const {
  const std::scoped_lock lock(mutex_);
  return bytes_;
}

std::vector<FeatureCache::Hash> FeatureCache::hashes_of(const at::Tensor& pixels) const {
  const auto images = pixels.contiguous();
  const auto size = images.nbytes() / static_cast<size_t>(images.size(0));
  const auto* bytes = static_cast<const uint8_t*>(images.const_data_ptr());
  std::vector<Hash> hashes(static_cast<size_t>(images.size(0)));
  for (size_t i = 0; i < hashes.size(); ++i) hashes[i] = hash_(bytes + i * size, size);
  return hashes;
}

std::map<FeatureCache::Hash, FeatureCache::Features> FeatureCache::held(std::span<const Hash> hashes) {
  const std::scoped_lock lock(mutex_);
  std::map<Hash, Features> found;
  for (const auto& hash : hashes) {
    const auto entry = entries_.find(hash);
    if (entry == entries_.end()) continue;
    found.emplace(hash, entry->second.features);
    uses_.splice(uses_.begin(), uses_, entry->second.use);
  }
  return found;
}

void FeatureCache::keep(const Hash& hash, const std::vector<at::Tensor>& views) {
  const int64_t bytes = bytes_of(views);
  const std::scoped_lock lock(mutex_);
  if (bytes > budget_ || entries_.contains(hash)) return;
  while (bytes_ + bytes > budget_) drop_oldest();
  // With memory of their own: views would keep their whole batch.
  std::vector<at::Tensor> features;
  for (const auto& view : views) features.push_back(view.clone());
  uses_.push_front(hash);
  entries_.emplace(hash, Entry{std::make_shared<const std::vector<at::Tensor>>(std::move(features)), bytes,
                               uses_.begin()});
  bytes_ += bytes;
}

void FeatureCache::drop_oldest() {
  const auto oldest = entries_.find(uses_.back());
  bytes_ -= oldest->second.bytes;
  entries_.erase(oldest);
  uses_.pop_back();
}

void FeatureCache::count(size_t encoded, size_t images) {
  const std::scoped_lock lock(mutex_);
  counts_.encoded += static_cast<int64_t>(encoded);
  counts_.reused += static_cast<int64_t>(images - encoded);
}

}  // namespace ccexpert::generate

#include "caption/pair_loader.h"

#include <algorithm>
#include <exception>

#include <ccexpert/image/decode.h>

namespace ccexpert::tools {

LoadedPair load_pair(const data::PairFiles& pair) {
  LoadedPair loaded;
  try {
    loaded.before = decode_image(pair.before);
    loaded.after = decode_image(pair.after);
  } catch (const std::exception& error) {
    loaded.error = error.what();
  }
  return loaded;
}

PairLoader::PairLoader(std::span<const data::PairFiles> pairs, size_t batch_size)
    : rest_(pairs), batch_size_(batch_size) {
  start_next();
}

PairLoader::Batch PairLoader::next() {
  Batch batch{.files = loading_, .images = {}};
  for (auto& image : images_) batch.images.push_back(image.get());
  start_next();
  return batch;
}

void PairLoader::start_next() {
  loading_ = rest_.first(std::min(batch_size_, rest_.size()));
  rest_ = rest_.subspan(loading_.size());
  images_.clear();
  for (const auto& pair : loading_)
    images_.push_back(std::async(std::launch::async, load_pair, std::cref(pair)));
}

}  // namespace ccexpert::tools

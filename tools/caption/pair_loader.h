// Decodes the pairs of the next batch while the model works on this one.
#pragma once

#include <future>
#include <span>
#include <string>
#include <vector>

#include <ccexpert/data/pairs.h>
#include <ccexpert/image/image.h>

namespace ccexpert::tools {

/// A pair in memory, or why it is not.
struct LoadedPair {
  Image before;
  Image after;
  std::string error;
};

/// Decodes both images; an unreadable one becomes `error`.
LoadedPair load_pair(const data::PairFiles& pair);

class PairLoader {
 public:
  /// `pairs` must outlive the loader; batches of `batch_size` are given out in order.
  PairLoader(std::span<const data::PairFiles> pairs, size_t batch_size);

  /// The next batch and the pairs it holds; empty at the end. Starts to load the one after it.
  struct Batch {
    std::span<const data::PairFiles> files;
    std::vector<LoadedPair> images;
  };
  Batch next();

 private:
  void start_next();

  std::span<const data::PairFiles> rest_;
  size_t batch_size_;
  std::span<const data::PairFiles> loading_;
  std::vector<std::future<LoadedPair>> images_;
};

}  // namespace ccexpert::tools

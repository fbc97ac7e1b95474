// Decodes the pairs of the next batch while the model works on this one.
#pragma once

#include <atomic>
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

struct PairLoaderOptions {
  size_t batch_size = 1;  ///< pairs given out at a time
  int threads = 0;        ///< most threads that decode (0: as many as there are cores); never more than 8
};

class PairLoader {
 public:
  /// `pairs` must outlive the loader; batches are given out in order.
  PairLoader(std::span<const data::PairFiles> pairs, PairLoaderOptions options);
  /// Waits for the images that are being decoded, not for the rest of their batch.
  ~PairLoader();
  PairLoader(const PairLoader&) = delete;
  PairLoader& operator=(const PairLoader&) = delete;

  /// The next batch and the pairs it holds; empty at the end. Starts to load the one after it.
  struct Batch {
    std::span<const data::PairFiles> files;
    std::vector<LoadedPair> images;
  };
  Batch next();

 private:
  void start_next();
  void work();

  std::span<const data::PairFiles> rest_;
  PairLoaderOptions options_;
  Batch loading_;
  std::atomic<size_t> claimed_ = 0;
  std::vector<std::future<void>> workers_;
};

}  // namespace ccexpert::tools

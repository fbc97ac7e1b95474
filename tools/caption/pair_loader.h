// Loader that decodes the pairs of the next batch while the model works on the current one.
#pragma once

#include <atomic>
#include <future>
#include <span>
#include <string>
#include <vector>

#include <ccexpert/data/pairs.h>
#include <ccexpert/image/image.h>

namespace ccexpert::tools {

/// Decoded pair, or the error of decoding.
struct LoadedPair {
  image::Image before;
  image::Image after;
  std::string error;
  std::string warning = {};  ///< of damaged data in one image or both; empty for sound files
};

/// Decodes both images; an unreadable one becomes `error`. The warning of a file that is both images is given
/// once.
LoadedPair load_pair(const data::PairFiles& pair);

struct PairLoaderOptions {
  size_t batch_size = 1;  ///< pairs per batch
  int threads = 0;        ///< maximum decoding threads (0: one per core); never more than 8
};

class PairLoader {
 public:
  /// `pairs` must outlive the loader; batches are returned in order.
  PairLoader(std::span<const data::PairFiles> pairs, PairLoaderOptions options);
  /// Waits only for images that are being decoded, not for the rest of the batch.
  ~PairLoader();
  PairLoader(const PairLoader&) = delete;
  PairLoader& operator=(const PairLoader&) = delete;

  /// Batch with its pairs; next() returns an empty one at the end and starts loading the one after it.
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

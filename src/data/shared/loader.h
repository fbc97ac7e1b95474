/// Loader of training micro-batches, which worker threads prepare ahead of the training step.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/image/preprocess.h>
#include <ccexpert/text/prompt.h>

#include "data/shared/sampler.h"

namespace ccexpert::data {

/// B samples of one rank. P is the side of a preprocessed image, G the side of the patch grid.
struct MicroBatch {
  Position position;                         ///< global batch that contains it
  int64_t index = 0;                         ///< index among this rank's micro-batches of that global batch
  std::vector<std::string> uids;             ///< B; empty if every sample was skipped
  std::vector<SampleIndex> samples;          ///< B
  std::vector<int64_t> places;               ///< B, in the epoch's order
  std::vector<float> pixels;                 ///< [2B,3,P,P], before and after alternate
  std::vector<std::vector<int64_t>> ids;     ///< B prompts with captions, kImagePlaceholder for each image
  std::vector<std::vector<int64_t>> labels;  ///< for each id the id itself or kIgnoredLabel; not shifted
  std::vector<float> change_mask;  ///< [B,G,G] changed share of each patch, all -1 for a pair without a mask;
                                   ///< empty if masks are off
  /// [2B,G,G,C] share of each class in each patch, all -1 for an image without a class map; empty if classes
  /// are off
  std::vector<float> classes;
  double wait_seconds = 0.0;  ///< duration of `next`

  int64_t size() const { return static_cast<int64_t>(uids.size()); }
};

/// Handling of unreadable images, masks and class maps, and of samples with too many tokens.
enum class BadSamples {
  kError,  ///< next() throws Error on every call until seek()
  kSkip,   ///< remove them from their micro-batch, count and report them
};

struct SkippedSample {
  std::string uid;
  std::string problem;
};

struct LoaderOptions {
  image::PreprocessConfig preprocess = {};
  std::string question{text::kReferenceQuestion};
  text::PromptFormat prompt = {};
  text::LabelStyle labels = text::LabelStyle::kReference;
  int64_t image_tokens = 1;  ///< tokens of an image in the model (N), for `max_tokens`
  int64_t max_tokens = 0;    ///< maximum tokens of a sample, image tokens included (0: no limit)
  int64_t mask_patch = 0;    ///< side of a patch in pixels, G = P / mask_patch (0: no change masks)
  int64_t classes = 0;       ///< C, number of classes (0: class maps are not read); needs mask_patch
  int64_t workers = 2;       ///< worker threads (0: next() prepares samples itself)
  int64_t prefetch = 4;      ///< micro-batches prepared ahead, at least 1
                         /// Bytes of the cache for resized images and patch masks (0: off). It never evicts:
                         /// with random order over
  /// all pairs, replacing an entry gains nothing. Images that AspectMode::kPad would pad are not cached.
  int64_t cache_bytes = 0;
  BadSamples bad_samples = BadSamples::kError;
  /// Called within next(), once for each skipped pair; if empty, a warning is logged. If it throws, next()
  /// throws the same and that micro-batch is lost.
  std::function<void(const SkippedSample&)> on_skip = {};
};

/// Endless stream of this rank's micro-batches in the plan's order, independent of the number of threads.
/// Only one thread at a time may call it. The destructor waits only for the samples in work.
class BatchLoader {
 public:
  /// `pairs` and `tokenizer` must outlive this. Starts at the first position. Throws Error for invalid
  /// options, or if the plan belongs to other pairs.
  BatchLoader(const std::vector<ChangeExample>& pairs, const text::Tokenizer& tokenizer, BatchPlan plan,
              LoaderOptions options);
  ~BatchLoader();
  BatchLoader(BatchLoader&&) noexcept;
  BatchLoader& operator=(BatchLoader&&) noexcept;

  /// Moves to the first micro-batch of a global batch and drops prepared samples. Throws Error for a position
  /// outside the plan.
  void seek(const Position& position);

  /// Returns the next micro-batch. Skips global batches in which this rank has none. Throws Error with the
  /// uid of a bad sample, or if this rank has no micro-batch in any global batch.
  MicroBatch next();

  /// Number of samples skipped in the micro-batches returned so far.
  int64_t skipped() const;
  /// Number of samples in them whose change_flag contradicts their change mask: all patches of a changed pair
  /// are unchanged, or a patch of an unchanged pair is changed. 0 if masks are off.
  int64_t contradictions() const;
  const BatchPlan& plan() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::data

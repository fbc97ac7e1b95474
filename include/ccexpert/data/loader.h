/// Pairs with captions from disk to what a training step reads, prepared by threads ahead of it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/data/sampler.h>
#include <ccexpert/image/preprocess.h>
#include <ccexpert/text/prompt.h>

namespace ccexpert::data {

/// B samples of one rank. P is the side of a preprocessed image, G of the grid of patches.
struct MicroBatch {
  Position position;              ///< the global batch that it is part of
  int64_t index = 0;              ///< which of this rank's micro-batches of that global batch
  std::vector<std::string> uids;  ///< B; none where every sample was left out
  std::vector<float> pixels;      ///< [2B,3,P,P], before and after in turn
  std::vector<std::vector<int64_t>>
      ids;  ///< B prompts with captions, kImagePlaceholder where an image stands
  std::vector<std::vector<int64_t>> labels;  ///< for each id itself or kIgnoredLabel; not shifted
  std::vector<float> change_mask;  ///< [B,G,G] share of each patch that changed, all -1 for a pair without a
                                   ///< mask; empty where masks are not asked for
  /// [2B,G,G,C] share of each patch that is of each class, all -1 for an image without a class map; empty
  /// where classes are not asked for
  std::vector<float> classes;
  double wait_seconds = 0.0;  ///< how long `next` took

  int64_t size() const { return static_cast<int64_t>(uids.size()); }
};

/// What to do with images, masks and class maps that cannot be read, and with samples of too many tokens.
enum class BadSamples {
  kError,  ///< next() throws Error, and does so again until seek()
  kSkip,   ///< leave them out of their micro-batch, count and report them
};

struct SkippedSample {
  std::string uid;
  std::string problem;
};

struct LoaderOptions {
  PreprocessConfig preprocess = {};
  std::string question{text::kReferenceQuestion};
  text::LabelStyle labels = text::LabelStyle::kReference;
  int64_t image_tokens = 1;  ///< tokens that stand for an image in the model (N), for `max_tokens`
  int64_t max_tokens = 0;    ///< most tokens of a sample, image tokens included (0: no limit)
  int64_t mask_patch = 0;    ///< side of a patch in pixels, G = P / mask_patch (0: no change masks)
  int64_t classes = 0;       ///< C, classes of class maps (0: none are read); needs mask_patch
  int64_t workers = 2;       ///< threads that prepare samples (0: next() does it)
  int64_t prefetch = 4;      ///< micro-batches that threads prepare ahead, 1 or more
  int64_t cache_bytes = 0;   ///< memory for resized images and masks of patches (0: none). What came first
                            ///< stays: in random order over all pairs nothing is worth replacing. Images that
                            ///< AspectMode::kPad would pad are not kept.
  BadSamples bad_samples = BadSamples::kError;
  /// Called within next(), once for each pair that is left out; where empty, a warning is logged. Where it
  /// throws, so does next(), and that micro-batch is lost.
  std::function<void(const SkippedSample&)> on_skip = {};
};

/// Gives out this rank's micro-batches in the plan's order, epoch after epoch without end, whatever the
/// number of threads. One thread at a time may call it. Destroying it waits for no more than the samples in
/// work.
class BatchLoader {
 public:
  /// `pairs` and `tokenizer` must outlive this. Starts at the first position. Throws Error for impossible
  /// options, and where the plan is of other pairs.
  BatchLoader(const std::vector<ChangeExample>& pairs, const text::Tokenizer& tokenizer, BatchPlan plan,
              LoaderOptions options);
  ~BatchLoader();
  BatchLoader(BatchLoader&&) noexcept;
  BatchLoader& operator=(BatchLoader&&) noexcept;

  /// Goes to the first micro-batch of a global batch; what was prepared is dropped. Throws Error for a
  /// position that the plan does not have.
  void seek(const Position& position);

  /// The next micro-batch. A global batch in which this rank has none is passed over. Throws Error naming the
  /// uid of a bad sample, or where this rank has no micro-batch in any global batch.
  MicroBatch next();

  /// Samples left out of the micro-batches that were given out.
  int64_t skipped() const;
  const BatchPlan& plan() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::data

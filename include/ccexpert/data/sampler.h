/// Which samples a training step sees: an order an epoch, cut into global batches, micro-batches and ranks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ccexpert/data/change_dataset.h>

namespace ccexpert::data {

enum class CaptionMode {
  kFlatten,       ///< every caption is a sample
  kRandomChoice,  ///< one caption drawn per pair and visit
};

/// What an order needs to know of a pair.
struct PairVisits {
  int64_t captions = 1;
  int64_t repeat = 1;  ///< visits an epoch

  bool operator==(const PairVisits&) const = default;
};
std::vector<PairVisits> visits_of(std::span<const ChangeExample> pairs);

/// One caption of one pair, as numbers into the pairs.
struct Sample {
  int64_t pair = 0;
  int64_t caption = 0;

  bool operator==(const Sample&) const = default;
};

/// The samples of every epoch. Order and drawn captions come from a generator of our own (splitmix64 by
/// counter), so they are the same on every machine.
class EpochSampler {
 public:
  /// Throws Error for no pairs, or a pair without captions or visits.
  EpochSampler(std::vector<PairVisits> pairs, CaptionMode mode, uint64_t seed);

  /// Samples of an epoch.
  int64_t size() const { return size_; }
  const std::vector<PairVisits>& pairs() const { return pairs_; }

  /// All samples of an epoch, in an order that depends on (seed, epoch) alone. With kRandomChoice the first
  /// visit's caption depends on (seed, epoch, pair) alone, and further visits take the captions behind it.
  std::vector<Sample> order(int64_t epoch) const;

 private:
  std::vector<PairVisits> pairs_;
  CaptionMode mode_;
  uint64_t seed_;
  int64_t size_ = 0;
};

/// What becomes of the samples at an epoch's end that do not fill a global batch.
enum class LastBatch { kDrop, kKeep };

/// How an epoch is cut.
struct BatchLayout {
  int64_t global = 1;  ///< samples of a global batch: what one optimiser step sees on all ranks
  int64_t micro = 1;   ///< most samples of a micro-batch: what one forward pass sees
  int64_t ranks = 1;
  int64_t rank = 0;
  LastBatch last = LastBatch::kDrop;
};

/// Where a run stands: the global batch that comes next. Stored and restored, it says all there is to know.
struct Position {
  int64_t epoch = 0;
  int64_t batch = 0;  ///< global batch within the epoch

  bool operator==(const Position&) const = default;
};

/// Part of an epoch's order, [first, last).
struct SampleRange {
  int64_t first = 0;
  int64_t last = 0;

  bool operator==(const SampleRange&) const = default;
};

/// Who does how many micro-batches of one global batch.
struct BatchShare {
  int64_t own = 0;    ///< this rank; 0 where an incomplete batch has fewer micro-batches than there are ranks
  int64_t most = 0;   ///< the rank with most
  int64_t total = 0;  ///< all ranks
};

/// Cuts every epoch into global batches, each of them into micro-batches, and deals those to the ranks in
/// runs, the first ranks taking one more where they do not divide. Micro-batches do not depend on the number
/// of ranks, and the ranks' shares one behind the other are the global batch in its order.
class BatchPlan {
 public:
  /// Throws Error for an impossible layout, and where kDrop leaves nothing.
  BatchPlan(EpochSampler sampler, const BatchLayout& layout);

  const EpochSampler& sampler() const { return sampler_; }
  const BatchLayout& layout() const { return layout_; }

  /// Global batches of an epoch.
  int64_t batches() const { return batches_; }

  BatchShare share(int64_t batch) const;
  /// This rank's micro-batches of a global batch as parts of the epoch's order.
  std::vector<SampleRange> own(int64_t batch) const;
  /// The whole global batch.
  SampleRange global(int64_t batch) const;

  /// The position behind one, in the next epoch after the last batch. Throws Error where there is no such
  /// position.
  Position after(const Position& position) const;
  /// Throws Error for a position that no epoch has (another list, or another batch size).
  void check(const Position& position) const;

 private:
  EpochSampler sampler_;
  BatchLayout layout_;
  int64_t batches_ = 0;
};

}  // namespace ccexpert::data

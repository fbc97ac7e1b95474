/// Assignment of samples to training steps: one order per epoch, cut into global batches, micro-batches and
/// ranks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ccexpert/data/change_dataset.h>

namespace ccexpert::data {

enum class CaptionMode {
  kFlatten,       ///< every caption is a sample
  kRandomChoice,  ///< one caption is drawn per pair and visit
};

/// Properties of a pair that its order depends on.
struct PairVisits {
  int64_t captions = 1;
  int64_t repeat = 1;  ///< visits per epoch

  bool operator==(const PairVisits&) const = default;
};
std::vector<PairVisits> visits_of(std::span<const ChangeExample> pairs);

/// Training sample: one caption of one pair, as indices.
struct SampleIndex {
  int64_t pair = 0;
  int64_t caption = 0;

  bool operator==(const SampleIndex&) const = default;
};

/// Samples of every epoch. Order and drawn captions come from a counter-based generator (splitmix64), so they
/// are the same on every machine.
class EpochSampler {
 public:
  /// Throws Error if there are no pairs, or a pair has no captions or visits.
  EpochSampler(std::vector<PairVisits> pairs, CaptionMode mode, uint64_t seed);

  /// Number of samples per epoch.
  int64_t size() const { return size_; }
  const std::vector<PairVisits>& pairs() const { return pairs_; }

  /// Returns all samples of an epoch, in an order that depends on (seed, epoch) alone. With kRandomChoice the
  /// first visit's caption depends on (seed, epoch, pair) alone, and further visits take the captions after
  /// it.
  std::vector<SampleIndex> order(int64_t epoch) const;

 private:
  std::vector<PairVisits> pairs_;
  CaptionMode mode_;
  uint64_t seed_;
  int64_t size_ = 0;
};

/// Handling of the samples at an epoch's end that do not fill a global batch.
enum class LastBatch { kDrop, kKeep };

/// Division of an epoch into batches.
struct BatchLayout {
  int64_t global = 1;  ///< samples of a global batch: one optimiser step on all ranks
  int64_t micro = 1;   ///< maximum samples of a micro-batch: one forward pass
  int64_t ranks = 1;
  int64_t rank = 0;
  LastBatch last = LastBatch::kDrop;
};

/// Position of a run: the next global batch. It is the complete state: store and restore it to resume.
struct Position {
  int64_t epoch = 0;
  int64_t batch = 0;  ///< index of the global batch within the epoch

  bool operator==(const Position&) const = default;
};

/// Range of an epoch's order, [first, last).
struct SampleRange {
  int64_t first = 0;
  int64_t last = 0;

  bool operator==(const SampleRange&) const = default;
};

/// Numbers of micro-batches of one global batch.
struct BatchShare {
  int64_t own = 0;    ///< this rank; 0 if an incomplete batch has too few micro-batches for all ranks
  int64_t most = 0;   ///< the rank with the most
  int64_t total = 0;  ///< all ranks
};

/// Divides every epoch into global batches and each of those into micro-batches. Each rank takes a contiguous
/// run of micro-batches; the first ranks take one more if the number does not divide evenly. Micro-batches do
/// not depend on the number of ranks, and the ranks' shares in rank order are the global batch in its order.
class BatchPlan {
 public:
  /// Throws Error for an invalid layout, or if kDrop leaves no batch.
  BatchPlan(EpochSampler sampler, const BatchLayout& layout);

  const EpochSampler& sampler() const { return sampler_; }
  const BatchLayout& layout() const { return layout_; }

  /// Number of global batches per epoch.
  int64_t batches() const { return batches_; }

  BatchShare share(int64_t batch) const;
  /// Returns this rank's micro-batches of a global batch as ranges of the epoch's order.
  std::vector<SampleRange> own(int64_t batch) const;
  /// Returns the range of the whole global batch.
  SampleRange global(int64_t batch) const;

  /// Returns the position after `position`; after the last batch, the next epoch's first. Throws Error as
  /// check() does.
  Position after(const Position& position) const;
  /// Throws Error for a position outside every epoch (from another list or batch size).
  void check(const Position& position) const;

 private:
  EpochSampler sampler_;
  BatchLayout layout_;
  int64_t batches_ = 0;
};

}  // namespace ccexpert::data

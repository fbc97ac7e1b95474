// A micro-batch in preparation: its samples, in the plan's order, and their encoding.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/example_encoder.h"
#include "data/shared/loader.h"

namespace ccexpert::data {

/// Several threads prepare the samples of a draft; each writes its own elements.
struct Draft {
  MicroBatch batch;
  std::vector<SampleIndex> samples;
  std::vector<std::string> problems;  ///< one per sample, empty if it is valid
  std::exception_ptr failure;         ///< exception other than a bad sample
  std::once_flag allocated;           ///< its memory is allocated outside the loader's lock
  size_t claimed = 0;
  size_t left = 0;

  bool done() const { return left == 0; }
};

/// Empty drafts of this rank's micro-batches in the plan's order.
class DraftSequence {
 public:
  explicit DraftSequence(BatchPlan plan) : plan_(std::move(plan)) {}

  const BatchPlan& plan() const { return plan_; }
  /// Moves to the first micro-batch of a global batch. Throws Error for a position outside the plan.
  void seek(const Position& position);
  /// Returns the draft of the current micro-batch, or of the first one after it if its global batch has no
  /// more. This rank must have a micro-batch in some global batch.
  std::shared_ptr<Draft> make();
  void advance() { ++index_; }

 private:
  BatchPlan plan_;
  Position position_;
  size_t index_ = 0;  ///< of the micro-batch within the rank's share of the global batch
  std::vector<SampleIndex> order_;
  int64_t order_epoch_ = 0;
};

/// Encodes the samples of drafts. Thread-safe for different samples.
class DraftEncoder {
 public:
  /// All arguments must outlive this. Throws Error for invalid options.
  DraftEncoder(const std::vector<ChangeExample>& pairs, const text::Tokenizer& tokenizer,
               const LoaderOptions& options)
      : pairs_(pairs), encoder_(tokenizer, options) {}

  /// Prepares one sample; a bad one gets a problem.
  void prepare(Draft& draft, size_t sample);
  /// Counts the samples of a done draft whose change_flag contradicts their change mask.
  int64_t contradictions(const Draft& draft) const;

 private:
  void allocate(Draft& draft) const;

  const std::vector<ChangeExample>& pairs_;
  ExampleEncoder encoder_;
};

/// Removes the samples of a batch for which `keep` is false.
void keep_samples(MicroBatch& batch, const std::vector<bool>& keep);

}  // namespace ccexpert::data

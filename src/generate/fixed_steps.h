// Decode steps of fixed shapes, which a GPU repeats as graphs: one launch for each token, not hundreds.
#pragma once

#include <compare>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/generate/options.h>
#include <ccexpert/model/decoder.h>

#include "generate/sequence_model.h"
#include "model/shared/fixed_cache.h"
#include "runtime/recorded_work.h"

namespace ccexpert::generate {

struct FixedShape {
  int64_t rows = 0;
  int64_t capacity = 0;  ///< tokens of each row
  auto operator<=>(const FixedShape&) const = default;
};

/// Makes work repeatable; throws an exception if that is not possible.
using Recorder = std::function<std::unique_ptr<runtime::RepeatableWork>(const std::function<void()>& work)>;

/// One step of a decoder with its tensors.
class FixedStep {
 public:
  /// `like` holds tokens; its sizes are used. `decoder` must outlive this object, and its weights stay where
  /// they are.
  FixedStep(const model::Decoder& decoder, const model::KvCache& like, FixedShape shape,
            const Recorder& recorder);

  /// Adds token `ids[r]` at `positions[r]` to each row r. Returns the logits [R,V], which stay until the next
  /// call.
  const at::Tensor& run(const std::vector<int64_t>& ids, const std::vector<int64_t>& positions);

  model::FixedCache& cache() { return cache_; }
  FixedShape shape() const { return {cache_.rows(), cache_.capacity()}; }
  int64_t bytes() const { return bytes_; }
  /// Lock of the one who uses this step.
  std::mutex& use() { return use_; }

 private:
  const int64_t bytes_;
  model::FixedCache cache_;
  at::Tensor ids_;     // [R]
  at::Tensor logits_;  // [R,V]
  std::mutex use_;
  std::unique_ptr<runtime::RepeatableWork> work_;
};

/// Sequences that grow by a fixed step. A sequence has a row of the step; rows of ended sequences stay, and
/// their results are not read. A beam that continues several times is copied to rows that are free.
class FixedSequences : public SequenceModel {
 public:
  /// Continues `prompts`, which are copied. `lock` is that of the step.
  FixedSequences(const DecoderSequences& prompts, std::shared_ptr<FixedStep> step,
                 std::unique_lock<std::mutex> lock);

  at::Tensor logits() const override { return logits_; }
  void grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) override;

 private:
  /// Gives each new sequence, the successor of `rows[i]`, a row of the step.
  void place(const std::vector<int64_t>& rows);

  std::shared_ptr<FixedStep> step_;
  std::unique_lock<std::mutex> lock_;  // released before the step
  std::vector<int64_t> places_;        // row of each sequence
  std::vector<int64_t> lengths_;       // tokens of each row
  at::Tensor logits_;
};

/// Fixed steps of a decoder, kept for further prompts of the same sizes. Thread-safe.
class FixedSteps {
 public:
  /// `budget` is the memory of all caches in bytes. `decoder` must outlive this object, and its weights stay
  /// where they are.
  FixedSteps(const model::Decoder& decoder, Recorder recorder, int64_t budget);

  /// Returns the prompts as sequences that grow by a fixed step. Null if few tokens are added, for
  /// minimum-Bayes-risk decoding, if the step would exceed the budget or is in use, or if it cannot be
  /// recorded: a warning says so once.
  std::unique_ptr<SequenceModel> sequences(const DecoderSequences& prompts, const DecodingConfig& decoding);

 private:
  std::shared_ptr<FixedStep> step_for(const model::KvCache& prompts, FixedShape shape);
  void make_room(int64_t bytes);

  const model::Decoder& decoder_;
  const Recorder recorder_;
  const int64_t budget_;
  std::mutex mutex_;
  std::list<std::shared_ptr<FixedStep>> steps_;  // most recently used first
  bool usable_ = true;
};

/// Returns the fixed steps of a decoder whose weights are on `device`. Null if it cannot record any, or if
/// the environment variable CCEXPERT_GPU_GRAPHS is "off". Throws Error for another value of it than "auto".
std::unique_ptr<FixedSteps> fixed_steps_of(const model::Decoder& decoder, at::Device device);

}  // namespace ccexpert::generate

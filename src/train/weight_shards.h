// Weights of a model in shards, one per rank, gathered when a pass needs them (ZeRO stage 3).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <ccexpert/model/block_runner.h>

#include "train/flat_weights.h"

namespace ccexpert::train {

/// Direction in which a pass visits the blocks.
enum class PassDirection { kForward, kBackward };

/// Holds each block of a model as flat shards, and everything outside of blocks likewise. The weights of a
/// block are gathered on request, those outside for a whole pass. At most two blocks are gathered at a time:
/// the current one, and the next, which is on its way. All ranks ask for the same blocks in the same order,
/// except between `begin_requests` and `end_requests`.
class WeightShards {
 public:
  /// Parameters and the largest number of elements in a flat tensor outside of blocks.
  struct Content {
    const torch::nn::Module& model;
    std::vector<TrainableParameter> parameters;  ///< all of the model, in its order; factor 0: frozen
    int64_t flat_elements = 0;
  };
  /// Takes over the parameters; their shards are on `device`. `communicator` must outlive this.
  WeightShards(const Content& content, at::Device device, distributed::Communicator& communicator);

  /// Adds parameters outside of blocks that are not the model's.
  void add(std::vector<TrainableParameter> parameters);

  /// Gathers everything outside of blocks until `end_pass`.
  void begin_pass();
  void end_pass();

  /// Returns the block of a module; nothing for modules without a shard.
  std::optional<size_t> find(const torch::nn::Module& block) const;
  /// Gathers a block and releases the one before; starts to gather the next one in this direction.
  void acquire(size_t block, PassDirection direction);
  /// Says that the backward pass of this pass will visit the block.
  void expect_backward(size_t block) { visited_.push_back(block); }

  /// Begins a part of the program in which ranks may visit different blocks, each in any order and number
  /// (captions of different lengths): every block is agreed on first. Gathers everything outside of blocks.
  void begin_requests();
  /// Serves the other ranks until all have called it.
  void end_requests();

  /// Is called with a block that `acquire` or `end_pass` released in the backward pass.
  void set_after_backward(std::function<void(size_t block)> call) { after_backward_ = std::move(call); }

  /// Flat tensors with a trained parameter, in the order of the forward pass, and their blocks.
  struct Trained {
    const FlatWeights* weights = nullptr;
    std::optional<size_t> block = {};
  };
  std::vector<Trained> trained() const;

  /// Place of a parameter's elements on this rank.
  struct HeldPart {
    at::Tensor values;  ///< view of the shard; may be empty
    int64_t begin = 0;  ///< first of them in the parameter
  };
  HeldPart held_part(const at::Tensor& parameter) const;

  /// Returns all values of a parameter, or `tensor` itself if it is none. They are valid until the next call.
  /// All ranks call it, within a pass.
  at::Tensor whole(const at::Tensor& tensor);

  /// Returns the bytes of this rank's shards.
  int64_t shard_bytes() const;
  /// Returns the largest number of bytes that gathered weights have used so far on this rank.
  int64_t peak_gathered_bytes() const { return peak_gathered_; }

 private:
  using Flats = std::vector<std::unique_ptr<FlatWeights>>;
  struct Place {
    const FlatWeights* flat = nullptr;
    size_t parameter = 0;
    std::optional<size_t> block;
  };

  void add_flats(Flats& flats, std::vector<TrainableParameter> parameters, int64_t limit);
  void remember(const Flats& flats, std::optional<size_t> block);
  void gather(size_t block);
  void start(size_t block);
  void drop(std::optional<size_t>& block);
  void leave_current();
  void count_gathered();
  void forget_visit(size_t block);
  std::optional<size_t> next_of(size_t block, PassDirection direction) const;
  /// Agrees on the next block that a rank wants and gathers it; nothing if all ranks are done.
  std::optional<size_t> serve(std::optional<size_t> wanted);

  at::Device device_;
  distributed::Communicator& communicator_;
  int64_t flat_elements_ = 0;
  std::vector<Flats> blocks_;
  Flats outside_;
  std::unordered_map<const torch::nn::Module*, size_t> block_of_module_;
  std::unordered_map<const c10::TensorImpl*, Place> places_;
  std::function<void(size_t)> after_backward_;
  std::optional<size_t> current_;
  std::optional<size_t> arriving_;
  std::vector<size_t> visited_;  // blocks that the backward pass has yet to visit
  bool in_backward_ = false;
  bool requests_ = false;
  int64_t peak_gathered_ = 0;
};

/// Part of the program in which everything outside of blocks is gathered. All ranks enter and leave it.
class GatheredPass {
 public:
  /// Null: does nothing.
  explicit GatheredPass(WeightShards* shards) : shards_(shards) {
    if (shards_ != nullptr) shards_->begin_pass();
  }
  ~GatheredPass() {
    if (shards_ != nullptr) shards_->end_pass();
  }
  GatheredPass(const GatheredPass&) = delete;
  GatheredPass& operator=(const GatheredPass&) = delete;

 private:
  WeightShards* shards_;
};

/// Runs blocks with gathered weights; `recompute`: with gradient checkpointing.
model::BlockRunnerRef sharded_runner(std::shared_ptr<WeightShards> shards, bool recompute);

}  // namespace ccexpert::train

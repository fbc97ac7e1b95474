#include <algorithm>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "model/shared/recompute.h"
#include "train/weight_shards.h"

namespace ccexpert::train {
namespace {

using model::Block;
using model::TensorList;
using torch::autograd::AutogradContext;

/// Carries a block's place through the autograd graph, which stores only LibTorch's own types.
struct BlockPlace : torch::CustomClassHolder {
  BlockPlace(std::shared_ptr<WeightShards> held, size_t number) : shards(std::move(held)), block(number) {}
  std::shared_ptr<WeightShards> shards;
  size_t block;
};

/// Identity of a block's outputs. Its backward pass comes before the block's and gathers the weights again.
struct GatherAgain : torch::autograd::Function<GatherAgain> {
  static TensorList forward(AutogradContext* context, at::TensorList outputs,
                            const c10::intrusive_ptr<BlockPlace>& place) {
    context->saved_data["place"] = c10::IValue::make_capsule(place);
    context->set_materialize_grads(false);
    TensorList results;
    for (const auto& output : outputs) results.push_back(output.view_as(output));
    return results;
  }

  static TensorList backward(AutogradContext* context, TensorList gradients) {
    const auto place =
        c10::static_intrusive_pointer_cast<BlockPlace>(context->saved_data["place"].toCapsule());
    place->shards->acquire(place->block, PassDirection::kBackward);
    gradients.emplace_back();
    return gradients;
  }
};

bool needs_gradients(const TensorList& tensors) {
  return std::ranges::any_of(tensors, [](const at::Tensor& tensor) { return tensor.requires_grad(); });
}

class ShardedRunner : public model::BlockRunner {
 public:
  ShardedRunner(std::shared_ptr<WeightShards> shards, bool recompute)
      : shards_(std::move(shards)), recompute_(recompute) {}

  TensorList run(const Block& block, const TensorList& inputs) const override {
    const auto place = shards_->find(block.parameters);
    if (!place) return run_whole(block, inputs);
    const bool records = at::GradMode::is_enabled() &&
                         (needs_gradients(inputs) || needs_gradients(block.parameters.parameters()) ||
                          model::products_need_gradients(block.parameters));
    if (!records) return computed(block, *place, inputs);
    shards_->expect_backward(*place);
    return recompute_ && block.repeatable ? recomputed(block, *place, inputs)
                                          : recorded(block, *place, inputs);
  }

 private:
  TensorList run_whole(const Block& block, const TensorList& inputs) const {
    return recompute_ ? model::RecomputingRunner().run(block, inputs) : block.compute(inputs);
  }

  TensorList computed(const Block& block, size_t place, const TensorList& inputs) const {
    shards_->acquire(place, PassDirection::kForward);
    return block.compute(inputs);
  }

  /// The first call of `compute` is the forward pass without gradients, the second one the backward pass.
  TensorList recomputed(const Block& block, size_t place, const TensorList& inputs) const {
    const auto compute = [shards = shards_, compute = block.compute, place](const TensorList& again) {
      shards->acquire(place, at::GradMode::is_enabled() ? PassDirection::kBackward : PassDirection::kForward);
      return compute(again);
    };
    return model::recompute(compute, inputs, block.parameters);
  }

  TensorList recorded(const Block& block, size_t place, const TensorList& inputs) const {
    const auto outputs = computed(block, place, inputs);
    return GatherAgain::apply(at::TensorList(outputs), c10::make_intrusive<BlockPlace>(shards_, place));
  }

  std::shared_ptr<WeightShards> shards_;
  bool recompute_;
};

}  // namespace

model::BlockRunnerRef sharded_runner(std::shared_ptr<WeightShards> shards, bool recompute) {
  return std::make_shared<ShardedRunner>(std::move(shards), recompute);
}

}  // namespace ccexpert::train

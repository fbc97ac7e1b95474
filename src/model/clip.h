/// CLIP vision transformer (ViT-L/14-336 and similar): a class token before the patches, learned positions, a
/// norm before the pre-norm blocks, no bias in the patch embedding.
#pragma once

#include <memory>
#include <vector>

#include <ccexpert/model/config.h>
#include <ccexpert/model/layers.h>
#include <ccexpert/model/part_cost.h>
#include <ccexpert/model/vision_tower.h>

#include "model/siglip.h"

namespace ccexpert::model {

/// Vision transformer from patches to features, without the class token. Only the blocks up to the last
/// requested one exist; the norm after the last block and the projection are never computed.
class ClipVision : public VisionTower {
 public:
  /// `layers`: ascending hidden state numbers, 0 the embedding after its norm, i the output of block i.
  ClipVision(const VisionConfig& config, std::vector<int64_t> layers, const at::TensorOptions& options);

  /// Maps normalised pixels [2B,3,P,P] to one [2B,N,D] for each of `layers`. Images do not interact.
  std::vector<at::Tensor> forward(const at::Tensor& pixels) const override;

  /// Same with the class token first: [2B,N+1,D].
  std::vector<at::Tensor> hidden_states(const at::Tensor& pixels) const;

  /// Returns the cost for a number of images, with the features of `layers`.
  static PartCost cost(const VisionConfig& config, const std::vector<int64_t>& layers, int64_t images);

  int64_t depth() const override { return static_cast<int64_t>(blocks_.size()); }
  int64_t width() const override { return config_.hidden_size; }
  void set_runner(BlockRunnerRef runner) override { runner_ = std::move(runner); }

 private:
  at::Tensor embed(const at::Tensor& pixels) const;

  VisionConfig config_;
  std::vector<int64_t> layers_;
  at::Tensor class_embedding_;  // [D]
  std::shared_ptr<Linear> patch_embedding_;
  std::shared_ptr<Embedding> position_embedding_;
  std::shared_ptr<LayerNorm> pre_layernorm_;
  std::vector<std::shared_ptr<SiglipBlock>> blocks_;
  BlockRunnerRef runner_ = std::make_shared<PlainRunner>();
};

}  // namespace ccexpert::model

/// EVA-CLIP vision transformer (ViT-g/14-224 and similar), as BLIP-2 uses it: pre-norm blocks, learned
/// positions, a class token before the patches, no bias of the keys.
#pragma once

#include <memory>
#include <vector>

#include <ccexpert/model/config.h>
#include <ccexpert/model/layers.h>
#include <ccexpert/model/part_cost.h>
#include <ccexpert/model/vision_tower.h>

#include "model/siglip.h"

namespace ccexpert::model {

/// Vision transformer from patches to features with the class token first. Only the blocks up to the last
/// requested one exist. The norm after the blocks (BLIP-2's ln_vision) belongs to the Q-Former's connector,
/// so that features of all depths are outputs of blocks.
class EvaVision : public VisionTower {
 public:
  /// `layers`: ascending hidden state numbers, 0 the embedding, i the output of block i.
  EvaVision(const VisionConfig& config, std::vector<int64_t> layers, const at::TensorOptions& options);

  /// Maps normalised pixels [2B,3,P,P] to one [2B,1+N,D] for each of `layers`.
  std::vector<at::Tensor> forward(const at::Tensor& pixels) const override;

  /// Returns the cost for a number of images, with the features of `layers`.
  static PartCost cost(const VisionConfig& config, const std::vector<int64_t>& layers, int64_t images);

  int64_t depth() const override { return static_cast<int64_t>(blocks_.size()); }
  int64_t width() const override { return config_.hidden_size; }
  int64_t class_tokens() const override { return 1; }
  void set_runner(BlockRunnerRef runner) override { runner_ = std::move(runner); }

 private:
  VisionConfig config_;
  std::vector<int64_t> layers_;
  at::Tensor class_embedding_;  // [1,D]
  std::shared_ptr<Linear> patch_embedding_;
  std::shared_ptr<Embedding> position_embedding_;  // [1+N,D]
  std::vector<std::shared_ptr<SiglipBlock>> blocks_;
  BlockRunnerRef runner_ = std::make_shared<PlainRunner>();
};

}  // namespace ccexpert::model

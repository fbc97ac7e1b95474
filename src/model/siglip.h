/// SigLIP vision transformer (spec so400m/14-384 and similar): pre-norm blocks, learned positions, no class
/// token.
#pragma once

#include <memory>
#include <vector>

#include <ccexpert/model/config.h>
#include <ccexpert/model/layers.h>
#include <ccexpert/model/part_cost.h>
#include <ccexpert/model/vision_tower.h>

namespace ccexpert::model {

/// Multi-head self-attention with biases on all four projections, or on all but the keys' (EVA): a bias of
/// the keys adds the same number to all scores of a query, so that it has no effect.
class SiglipAttention : public torch::nn::Module {
 public:
  SiglipAttention(const VisionConfig& config, const at::TensorOptions& options);
  /// Maps x [B,N,D] to x + Attention(norm(x)).
  at::Tensor forward(const at::Tensor& x, const Norm& norm) const;

 private:
  int64_t heads_;
  std::shared_ptr<Linear> q_proj_, k_proj_, v_proj_, out_proj_;
};

/// x + Attention(LayerNorm(x)), then x + MLP(LayerNorm(x)).
class SiglipBlock : public torch::nn::Module {
 public:
  SiglipBlock(const VisionConfig& config, const at::TensorOptions& options);
  /// Maps [B,N,D] to [B,N,D].
  at::Tensor forward(const at::Tensor& x) const;

 private:
  Activation activation_;
  std::shared_ptr<LayerNorm> layer_norm1_, layer_norm2_;
  std::shared_ptr<SiglipAttention> self_attn_;
  std::shared_ptr<Linear> fc1_, fc2_;
};

/// Returns the patches of normalised pixels [2B,3,P,P] as vectors [2B,N,3pp], for a patch embedding as a
/// matrix product. Throws Error for an image of another grid than the config's.
at::Tensor patches_of(const at::Tensor& pixels, const VisionConfig& config);

/// Blocks of a vision transformer, and their execution.
struct BlockStack {
  const std::vector<std::shared_ptr<SiglipBlock>>& blocks;
  const BlockRunner& runner;
  /// Returns the hidden states with the numbers `layers` for the embeddings x [2B,T,D].
  std::vector<at::Tensor> states(at::Tensor x, const std::vector<int64_t>& layers) const;
};

/// Images of a batch, and the tokens of each inside the tower.
struct TowerInput {
  int64_t images;
  int64_t tokens;
};

/// Returns the cost of a vision transformer of such blocks, with the features of `layers`.
PartCost vision_cost(const VisionConfig& config, const std::vector<int64_t>& layers, const TowerInput& input);

/// Vision transformer from patches to features. Only the blocks up to the last requested one exist; the rest
/// (further blocks, the final layer norm, the pooling head) is never computed.
class SiglipVision : public VisionTower {
 public:
  /// `layers`: ascending hidden state numbers, 0 the embedding, i the output of block i.
  SiglipVision(const VisionConfig& config, std::vector<int64_t> layers, const at::TensorOptions& options);

  /// Maps normalised pixels [2B,3,P,P] to one [2B,N,D] for each of `layers`. Images do not interact. P may
  /// differ from the config's image size only if the patch grid stays the same.
  std::vector<at::Tensor> forward(const at::Tensor& pixels) const override;

  /// Returns the cost for a number of images, with the features of `layers`.
  static PartCost cost(const VisionConfig& config, const std::vector<int64_t>& layers, int64_t images);

  int64_t depth() const override { return static_cast<int64_t>(blocks_.size()); }
  int64_t width() const override { return config_.hidden_size; }
  void set_runner(BlockRunnerRef runner) override { runner_ = std::move(runner); }
  /// Returns the blocks, first to last.
  const std::vector<std::shared_ptr<SiglipBlock>>& blocks() const { return blocks_; }

 private:
  at::Tensor embed(const at::Tensor& pixels) const;

  VisionConfig config_;
  std::vector<int64_t> layers_;
  std::shared_ptr<Linear> patch_embedding_;
  std::shared_ptr<Embedding> position_embedding_;
  std::vector<std::shared_ptr<SiglipBlock>> blocks_;
  BlockRunnerRef runner_ = std::make_shared<PlainRunner>();
};

}  // namespace ccexpert::model

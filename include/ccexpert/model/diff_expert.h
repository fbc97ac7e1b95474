/// Diff Expert (paper, difference-aware integration): the change between two dates, from several depths of
/// the vision transformer. Shapes use the letters of core/shapes.h; the scales are stacked on the batch axis,
/// so that all share one pass.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <ccexpert/model/block_runner.h>
#include <ccexpert/model/config.h>
#include <ccexpert/model/layers.h>
#include <ccexpert/model/part_cost.h>

namespace ccexpert::model {

/// Initialisation of parameters that the checkpoint lacks; the defaults are the reference's (spec section 8).
struct FreshWeights {
  uint64_t seed = 42;            ///< of all weights
  double deviation = 0.02;       ///< of matrices; small widths learn faster with more
  double flag_deviation = 0.02;  ///< of the Diff Expert's date and change flags
};

/// Returns the 2-D sine encoding of a square grid: D/2 features for the row, then D/2 for the column; [N,D]
/// float32.
at::Tensor grid_position_encoding(int64_t grid, int64_t width, at::Device device);

/// Change Feature Init: gates each date by both, then mixes dates and their difference.
class ChangeFeatureInit : public torch::nn::Module {
 public:
  ChangeFeatureInit(int64_t width, const at::TensorOptions& options);
  /// Computes the initial change feature [B,N,D] from (before, after), each [B,N,D].
  at::Tensor forward(const at::Tensor& before, const at::Tensor& after) const;

 private:
  std::shared_ptr<Linear> linear_mapping_, proj_;
};

/// Attention with separate projections for query, key, value and output; heads of 128 features.
class ChangeAttention : public torch::nn::Module {
 public:
  ChangeAttention(const DiffExpertConfig& config, const at::TensorOptions& options);
  /// Projected keys and values, [B,T,D/r] each.
  struct Context {
    at::Tensor keys;    ///< of both dates
    at::Tensor values;  ///< of both dates
  };
  /// Projects k and v [B,T,D] once, for several queries.
  Context project(const at::Tensor& k, const at::Tensor& v) const;
  /// Maps q [B,N,D] to [B,N,D], added to `residual` [B,N,D].
  at::Tensor attend(const at::Tensor& q, const Context& context, const at::Tensor& residual) const;
  /// Combines project and attend: q [B,N,D], k and v [B,T,D], to [B,N,D].
  at::Tensor forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const at::Tensor& residual) const {
    return attend(q, project(k, v), residual);
  }

 private:
  int64_t heads_;
  std::shared_ptr<Linear> q_proj_, k_proj_, v_proj_, out_proj_;
};

/// Features of the two dates and of their change, each [S*B,N,D] inside the Diff Expert, [B,N,D] after
/// weighting.
struct ChangeFeatures {
  at::Tensor before;  ///< tokens of the earlier image
  at::Tensor after;   ///< tokens of the later image
  at::Tensor change;  ///< change feature
};

/// Change Aware Transformer layer.
class ChangeAwareLayer : public torch::nn::Module {
 public:
  ChangeAwareLayer(const DiffExpertConfig& config, const at::TensorOptions& options);

  /// `features.change` already contains this layer's query (the caller adds the initial change feature);
  /// `position` is [N,D] in the features' dtype.
  ChangeFeatures forward(const ChangeFeatures& features, const at::Tensor& position) const;

 private:
  std::shared_ptr<ChangeAttention> change_self_attn_, cross_attn_change_to_image_,
      cross_attn_image_to_change_;
  std::shared_ptr<LayerNorm> norm1_, norm2_, norm3_;
  std::shared_ptr<Linear> lin1_, lin2_;
  std::shared_ptr<Embedding> before_flag_, after_flag_, change_flag_;
};

/// Multi-scale adaptive weighting: one scalar per pair and scale, from the mean of all three features.
class ScaleWeighting : public torch::nn::Module {
 public:
  ScaleWeighting(int64_t width, const at::TensorOptions& options);
  /// Computes weights [S,B] in (0, 1) from features [S*B,N,D].
  at::Tensor weights(const ChangeFeatures& features, int64_t scales) const;
  /// Sums the scales with those weights: [S*B,N,D] to [B,N,D].
  ChangeFeatures forward(const ChangeFeatures& features, const at::Tensor& weights) const;

 private:
  std::shared_ptr<Linear> reduce_, score_;
};

/// Sizes of the Diff Expert's input.
struct FeatureSize {
  int64_t pairs = 1;    ///< B
  int64_t scales = 1;   ///< S
  int64_t patches = 0;  ///< N
};

/// Output of the Diff Expert for a batch.
struct DiffExpertOutput {
  at::Tensor before;         ///< A'' [B,N,D], residual added
  at::Tensor after;          ///< B'' [B,N,D], residual added
  at::Tensor change;         ///< Q* [B,N,D]
  at::Tensor scale_weights;  ///< [S,B]
};

class DiffExpert : public torch::nn::Module {  ///< Change Aware Transformer over all scales
 public:
  DiffExpert(const DiffExpertConfig& config, const at::TensorOptions& options);

  /// Takes the features of both dates per scale, each [B,N,D], N a square number. The last scale is the
  /// residual.
  DiffExpertOutput forward(const std::vector<at::Tensor>& before, const std::vector<at::Tensor>& after) const;

  /// Change features after every layer, [S*B,N,D] each, and the initial change feature that it received.
  struct Trace {
    std::vector<at::Tensor> initial;     ///< change feature of each scale before the layers
    std::vector<ChangeFeatures> layers;  ///< features after each layer
  };
  /// Runs the layers, and returns what they pass on.
  Trace trace(const std::vector<at::Tensor>& before, const std::vector<at::Tensor>& after) const;
  /// Returns the cost for an input of this size.
  static PartCost cost(const DiffExpertConfig& config, const FeatureSize& input);

  /// Sets the runner of the layers; the default is plain.
  void set_runner(BlockRunnerRef runner) { runner_ = std::move(runner); }

  /// Sets the runner of the initial change feature, whose weights all layers share; the default is plain.
  void set_init_runner(BlockRunnerRef runner) { init_runner_ = std::move(runner); }

  /// Initialises matrices and flags from a normal distribution, biases with 0, norms with 1 and 0. Values are
  /// the same on every device and in every dtype.
  void initialize(const FreshWeights& fresh);

 private:
  ChangeFeatures run(const ChangeAwareLayer& layer, const ChangeFeatures& features,
                     const at::Tensor& position) const;
  at::Tensor initial_change(const ChangeFeatures& features) const;
  ChangeFeatures run_layers(ChangeFeatures features, Trace* trace) const;

  DiffExpertConfig config_;
  std::shared_ptr<ChangeFeatureInit> init_;
  std::vector<std::shared_ptr<ChangeAwareLayer>> layers_;
  std::shared_ptr<ScaleWeighting> weighting_;
  BlockRunnerRef runner_ = std::make_shared<PlainRunner>();
  BlockRunnerRef init_runner_ = std::make_shared<PlainRunner>();
};

}  // namespace ccexpert::model

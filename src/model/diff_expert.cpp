#include <cmath>
#include <numbers>

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/diff_expert.h>

#include "kernels/attention.h"
#include "model/layer_cost.h"

namespace ccexpert::model {
namespace {

constexpr double kNormEps = 1e-5;
constexpr double kWeightEps = 1e-6;
constexpr int64_t kHeadWidth = 128;

/// Returns the square root of the number of patches. Throws Error if they do not form a square.
int64_t grid_side(int64_t patches) {
  const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(patches))));
  if (side * side != patches) {
    fail_expected({"Diff Expert: patches", "a square number", std::to_string(patches)});
  }
  return side;
}

void expect_scales(const std::vector<at::Tensor>& before, const std::vector<at::Tensor>& after) {
  if (before.empty() || before.size() != after.size()) {
    fail_expected({"Diff Expert: scales", "the same number of features for both dates, at least one",
                   fmt::format("{} and {}", before.size(), after.size())});
  }
}

}  // namespace

at::Tensor grid_position_encoding(int64_t grid, int64_t width, at::Device device) {
  const auto options = at::TensorOptions().dtype(at::kFloat).device(device);
  const int64_t half = width / 2;
  const auto position =
      (at::arange(1, grid + 1, options) - 0.5) / (static_cast<double>(grid) + 1e-6) * (2 * std::numbers::pi);
  const auto pair = at::floor(at::arange(half, options) / 2) * 2 / static_cast<double>(half);
  const auto angle = position.unsqueeze(1) / at::pow(10000.0, pair);  // [G,D/2]
  const auto even = angle.slice(1, 0, half, 2);
  const auto odd = angle.slice(1, 1, half, 2);
  const auto encoded =
      at::stack({at::sin(even), at::cos(odd)}, 2).flatten(1);  // [G,D/2], sin and cos alternate
  const auto rows = encoded.unsqueeze(1).expand({grid, grid, half});
  const auto columns = encoded.unsqueeze(0).expand({grid, grid, half});
  return at::cat({rows, columns}, 2).view({grid * grid, width});
}

ChangeFeatureInit::ChangeFeatureInit(int64_t width, const at::TensorOptions& options) {
  linear_mapping_ =
      register_module("linear_mapping", std::make_shared<Linear>(2 * width, width, true, options));
  proj_ = register_module("proj", std::make_shared<Linear>(3 * width, width, true, options));
}

at::Tensor ChangeFeatureInit::forward(const at::Tensor& before, const at::Tensor& after) const {
  const auto gated_before = before * at::sigmoid(linear_mapping_->forward(at::cat({before, after}, -1)));
  const auto gated_after = after * at::sigmoid(linear_mapping_->forward(at::cat({after, before}, -1)));
  return proj_->forward(at::cat({gated_before, gated_after, gated_before - gated_after}, -1));
}

ChangeAttention::ChangeAttention(const DiffExpertConfig& config, const at::TensorOptions& options)
    : heads_(config.embedding_dim / kHeadWidth) {
  const int64_t width = config.embedding_dim;
  const int64_t inner = width / config.attention_upsample_rate;
  q_proj_ = register_module("q_proj", std::make_shared<Linear>(width, inner, true, options));
  k_proj_ = register_module("k_proj", std::make_shared<Linear>(width, inner, true, options));
  v_proj_ = register_module("v_proj", std::make_shared<Linear>(width, inner, true, options));
  out_proj_ = register_module("out_proj", std::make_shared<Linear>(inner, width, true, options));
}

ChangeAttention::Context ChangeAttention::project(const at::Tensor& k, const at::Tensor& v) const {
  return {k_proj_->forward(k), v_proj_->forward(v)};
}

at::Tensor ChangeAttention::attend(const at::Tensor& q, const Context& context,
                                   const at::Tensor& residual) const {
  const auto attended = kernels::attention(kernels::split_heads(q_proj_->forward(q), heads_),
                                           kernels::split_heads(context.keys, heads_),
                                           kernels::split_heads(context.values, heads_));
  return apply_steps({.x = kernels::merge_heads(attended), .residual = residual}, *out_proj_);
}

ChangeAwareLayer::ChangeAwareLayer(const DiffExpertConfig& config, const at::TensorOptions& options) {
  const int64_t width = config.embedding_dim;
  const auto change_attention = [&](const char* name) {
    return register_module(name, std::make_shared<ChangeAttention>(config, options));
  };
  const auto norm = [&](const char* name) {
    return register_module(name, std::make_shared<LayerNorm>(width, kNormEps, options));
  };
  const auto flag = [&](const char* name) {
    return register_module(name, std::make_shared<Embedding>(1, width, options));
  };
  change_self_attn_ = change_attention("change_self_attn");
  norm1_ = norm("norm1");
  cross_attn_change_to_image_ = change_attention("cross_attn_change_to_imageABC");
  norm2_ = norm("norm2");
  auto mlp = register_module("mlp", std::make_shared<ModuleGroup>());
  lin1_ = mlp->add("lin1", std::make_shared<Linear>(width, config.mlp_dim, true, options));
  lin2_ = mlp->add("lin2", std::make_shared<Linear>(config.mlp_dim, width, true, options));
  norm3_ = norm("norm3");
  cross_attn_image_to_change_ = change_attention("cross_attn_imageAB_to_change");
  // The checkpoint has a fourth norm that the reference never applies; it is kept so that saving is lossless.
  norm("norm4");
  before_flag_ = flag("image_a_flag_embed");
  after_flag_ = flag("image_b_flag_embed");
  change_flag_ = flag("change_flag_embed");
}

ChangeFeatures ChangeAwareLayer::forward(const ChangeFeatures& features, const at::Tensor& position) const {
  const auto before_placed = features.before + (position + before_flag_->weight);  // [S*B,N,D]
  const auto after_placed = features.after + (position + after_flag_->weight);
  const auto change_position = position + change_flag_->weight;

  auto change = features.change;
  const auto change_query = change + position;
  change = norm1_->forward(change_self_attn_->forward(change_query, change_query, change, change));
  auto change_placed = change + change_position;
  change = norm2_->forward(cross_attn_change_to_image_->forward(
      change_placed, at::cat({before_placed, after_placed, change_placed}, 1),
      at::cat({features.before, features.after, change}, 1), change));  // 3N keys
  const auto inner = apply_steps({.x = change, .activation = Activation::kGelu}, *lin1_);
  change = norm3_->forward(apply_steps({.x = inner, .residual = change}, *lin2_));

  change_placed = change + change_position;
  const auto& to_change = *cross_attn_image_to_change_;
  const auto of_change = to_change.project(change_placed, change);  // both dates attend to it
  const auto update = [&](const at::Tensor& image, const at::Tensor& image_placed) {
    const auto of_image = to_change.project(image_placed, image);
    return to_change.attend(image_placed,
                            {at::cat({of_image.keys, of_change.keys}, 1),  // 2N keys
                             at::cat({of_image.values, of_change.values}, 1)},
                            image_placed);
  };
  return {update(features.before, before_placed), update(features.after, after_placed), change};
}

ScaleWeighting::ScaleWeighting(int64_t width, const at::TensorOptions& options) {
  auto gate = register_module("feature_map_level_gate", std::make_shared<ModuleGroup>());
  reduce_ = gate->add("0", std::make_shared<Linear>(3 * width, width, true, options));
  score_ = gate->add("2", std::make_shared<Linear>(width, 1, true, options));
}

at::Tensor ScaleWeighting::weights(const ChangeFeatures& features, int64_t scales) const {
  const auto mean = at::cat({features.before.mean(1), features.after.mean(1), features.change.mean(1)}, -1);
  const auto score = score_->forward(at::gelu(reduce_->forward(mean)));  // [S*B,1]
  return at::sigmoid(score).view({scales, -1});
}

ChangeFeatures ScaleWeighting::forward(const ChangeFeatures& features, const at::Tensor& weights) const {
  const int64_t scales = weights.size(0);
  const auto share = (weights / (weights.sum(0) + kWeightEps)).view({scales, -1, 1, 1});  // [S,B,1,1]
  const auto combine = [&](const at::Tensor& x) {
    return (x.view({scales, -1, x.size(1), x.size(2)}) * share).sum(0);
  };
  return {combine(features.before), combine(features.after), combine(features.change)};
}

DiffExpert::DiffExpert(const DiffExpertConfig& config, const at::TensorOptions& options) : config_(config) {
  init_ = register_module("expert_change_feature_extractor_model",
                          std::make_shared<ChangeFeatureInit>(config.embedding_dim, options));
  auto layers = register_module("layers", std::make_shared<ModuleGroup>());
  for (int64_t i = 0; i < config.per_expert_depth; ++i) {
    layers_.push_back(layers->add(std::to_string(i), std::make_shared<ChangeAwareLayer>(config, options)));
  }
  weighting_ = register_module("ChangeAwareTokenReduce",
                               std::make_shared<ScaleWeighting>(config.embedding_dim, options));
}

ChangeFeatures DiffExpert::run(const ChangeAwareLayer& layer, const ChangeFeatures& features,
                               const at::Tensor& position) const {
  const auto compute = [&layer, position](const TensorList& inputs) {
    const auto result = layer.forward({inputs[0], inputs[1], inputs[2]}, position);
    return TensorList{result.before, result.after, result.change};
  };
  const auto result = runner_->run({.compute = compute, .parameters = layer},
                                   {features.before, features.after, features.change});
  return {result[0], result[1], result[2]};
}

at::Tensor DiffExpert::initial_change(const ChangeFeatures& features) const {
  const auto compute = [this](const TensorList& inputs) {
    return TensorList{init_->forward(inputs[0], inputs[1])};
  };
  return init_runner_->run({.compute = compute, .parameters = *init_}, {features.before, features.after})[0];
}

ChangeFeatures DiffExpert::run_layers(ChangeFeatures features, Trace* trace) const {
  const auto& image = features.before;
  const auto position =
      grid_position_encoding(grid_side(image.size(1)), config_.embedding_dim, image.device())
          .to(image.scalar_type());
  for (const auto& layer : layers_) {
    const auto initial = initial_change(features);
    features.change = features.change.defined() ? features.change + initial : initial;
    features = run(*layer, features, position);
    if (trace != nullptr) {
      trace->initial.push_back(initial);
      trace->layers.push_back(features);
    }
  }
  return features;
}

DiffExpertOutput DiffExpert::forward(const std::vector<at::Tensor>& before,
                                     const std::vector<at::Tensor>& after) const {
  expect_scales(before, after);
  const auto features = run_layers({at::cat(before, 0), at::cat(after, 0), {}}, nullptr);  // [S*B,N,D]
  const auto weights = weighting_->weights(features, static_cast<int64_t>(before.size()));
  const auto combined = weighting_->forward(features, weights);  // [B,N,D]
  return {combined.before + before.back(), combined.after + after.back(), combined.change, weights};
}

DiffExpert::Trace DiffExpert::trace(const std::vector<at::Tensor>& before,
                                    const std::vector<at::Tensor>& after) const {
  expect_scales(before, after);
  Trace trace;
  run_layers({at::cat(before, 0), at::cat(after, 0), {}}, &trace);
  return trace;
}

void DiffExpert::initialize(const FreshWeights& fresh) {
  const at::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(fresh.seed);
  for (auto& item : named_parameters()) {
    const auto& name = item.key();
    auto& parameter = item.value();
    if (name.ends_with(".bias")) {
      parameter.zero_();
    } else if (name.find(".norm") != std::string::npos) {
      parameter.fill_(1.0);
    } else {
      const bool flag = name.ends_with("flag_embed.weight");
      const double deviation = flag ? fresh.flag_deviation : fresh.deviation;
      // Drawn on the CPU in float32, so that a seed gives the same weights on every device and in every
      // dtype.
      parameter.copy_(at::empty(parameter.sizes(), at::kFloat).normal_(0.0, deviation, generator));
    }
  }
}

PartCost DiffExpert::cost(const DiffExpertConfig& config, const FeatureSize& input) {
  const double width = number(config.embedding_dim), mlp = number(config.mlp_dim);
  const double inner = width / number(config.attention_upsample_rate);
  const double scales = number(input.scales), pairs = number(input.pairs), patches = number(input.patches);
  const double depth = number(config.per_expert_depth);
  // Projections: 4 of self-attention; 8 of change to images (keys and values of three inputs); 6 of image to
  // change for each image.
  const double weights = 24.0 * width * inner + 2.0 * width * mlp;
  const double scores = (2.0 + 6.0 + 8.0) * patches * inner;  // over N, 3N and twice 2N keys
  const double init = 7.0 * width * width;                    // computed before every layer
  // A layer's MLP sees the change only, but its attention three features and their keys: 5 N in all. Its
  // inputs are three features.
  return {.part = Part::kDiffExpert,
          .multiply_adds = pairs * scales * patches * depth * (init + weights + scores),
          .kept = {.blocks = depth,
                   .block = scales * layer_values(5.0 * pairs * patches, width, mlp),
                   .block_inputs = 3.0 * scales * pairs * patches * width}};
}

}  // namespace ccexpert::model

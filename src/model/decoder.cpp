#include <algorithm>

#include <ATen/ATen.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/decoder.h>

#include "kernels/attention.h"
#include "kernels/rotary.h"
#include "model/layer_cost.h"
#include "model/shared/fixed_cache.h"
#include "runtime/staging.h"

namespace ccexpert::model {
namespace {

/// Returns the mask of keys that each query may attend to, [B,1,T,t], for rows with different numbers of
/// tokens. `places` [B or 1,T] are those of the queries among the keys.
at::Tensor visible_keys(const at::Tensor& places, int64_t keys) {
  const auto key = at::arange(keys, places.options());
  return (key <= places.unsqueeze(-1)).unsqueeze(1);
}

/// Adds a number to each row of x [1,T].
at::Tensor plus_each(const at::Tensor& x, const std::vector<int64_t>& numbers) {
  return x + runtime::staged(at::tensor(numbers, at::kLong), x.device()).unsqueeze(1);
}

bool are_equal(const std::vector<int64_t>& numbers) {
  return std::adjacent_find(numbers.begin(), numbers.end(), std::not_equal_to<>()) == numbers.end();
}

/// Returns the rotary positions of a pass whose tokens come after those in `cache` at `places` [B or 1,T].
at::Tensor rotary_positions(const KvCache& cache, const at::Tensor& places) {
  if (cache.places().defined()) return runtime::staged(cache.places(), places.device());
  return cache.skipped().empty() ? places : plus_each(places, cache.skipped());
}

/// Attends with one query per row: the query heads of a key head become its queries, so that no key is
/// copied.
at::Tensor attend_single(const at::Tensor& q, const KvView& kv, const at::Tensor& mask) {
  const int64_t kv_heads = kv.keys.size(1);
  const auto grouped = q.reshape({q.size(0), kv_heads, q.size(1) / kv_heads, q.size(3)});  // [B,K,M/K,d]
  return kernels::attention(grouped, kv.keys, kv.values, {.visible = mask}).reshape(q.sizes());
}

at::Tensor attend(const at::Tensor& q, const KvView& kv, const at::Tensor& mask) {
  if (q.size(2) == 1) return attend_single(q, kv, mask);
  return kernels::attention(q, kv.keys, kv.values, {.visible = mask, .causal = !mask.defined()});
}

/// Splits queries or keys into heads, normalises each head if `norm` is not null, and rotates them.
at::Tensor placed(const at::Tensor& x, int64_t heads, const RmsNorm* norm, const DecoderPass& pass) {
  const auto split = kernels::split_heads(x, heads);
  return kernels::rotate(norm != nullptr ? norm->forward(split) : split, pass.cosine, pass.sine);
}

}  // namespace

DecoderAttention::DecoderAttention(const DecoderConfig& config, const at::TensorOptions& options)
    : heads_(config.num_attention_heads), kv_heads_(config.num_key_value_heads) {
  const int64_t width = config.hidden_size, q_width = config.query_width(), kv_width = config.key_width();
  q_proj_ =
      register_module("q_proj", std::make_shared<Linear>(width, q_width, config.attention_bias, options));
  k_proj_ =
      register_module("k_proj", std::make_shared<Linear>(width, kv_width, config.attention_bias, options));
  v_proj_ =
      register_module("v_proj", std::make_shared<Linear>(width, kv_width, config.attention_bias, options));
  o_proj_ = register_module("o_proj",
                            std::make_shared<Linear>(q_width, width, config.attention_output_bias, options));
  if (!config.qk_norm) return;
  const auto norm = [&](const char* name) {
    return register_module(name,
                           std::make_shared<RmsNorm>(config.head_width(), config.rms_norm_eps, options));
  };
  q_norm_ = norm("q_norm");
  k_norm_ = norm("k_norm");
}

at::Tensor DecoderAttention::forward(const ProductSteps& input, const DecoderPass& pass,
                                     int64_t layer) const {
  const auto projected = apply_steps(input, {q_proj_.get(), k_proj_.get(), v_proj_.get()});
  const auto q = placed(projected[0], heads_, q_norm_.get(), pass);     // [B,M,T,d]
  const auto k = placed(projected[1], kv_heads_, k_norm_.get(), pass);  // [B,K,T,d]
  const auto v = kernels::split_heads(projected[2], kv_heads_);
  const auto kv = pass.cache != nullptr ? pass.cache->append(layer, k, v) : KvView{k, v};
  if (pass.probe != nullptr) (*pass.probe)({q, kv.keys, pass.mask});
  return apply_steps({.x = kernels::merge_heads(attend(q, kv, pass.mask)), .residual = input.x}, *o_proj_);
}

DecoderBlock::DecoderBlock(const DecoderConfig& config, const at::TensorOptions& options)
    : activation_(config.hidden_act) {
  const int64_t width = config.hidden_size;
  const auto norm = [&](const char* name) {
    return register_module(name, std::make_shared<RmsNorm>(width, config.rms_norm_eps, options));
  };
  self_attn_ = register_module("self_attn", std::make_shared<DecoderAttention>(config, options));
  auto mlp = register_module("mlp", std::make_shared<ModuleGroup>());
  const auto matrix = [&](const char* name, int64_t in, int64_t out) {
    return mlp->add(name, std::make_shared<Linear>(in, out, config.mlp_bias, options));
  };
  gate_proj_ = matrix("gate_proj", width, config.intermediate_size);
  up_proj_ = matrix("up_proj", width, config.intermediate_size);
  down_proj_ = matrix("down_proj", config.intermediate_size, width);
  input_layernorm_ = norm("input_layernorm");
  post_attention_layernorm_ = norm("post_attention_layernorm");
}

at::Tensor DecoderBlock::forward(const at::Tensor& x, const DecoderPass& pass, int64_t layer) const {
  const auto attended = self_attn_->forward({.x = x, .norm = input_layernorm_.get()}, pass, layer);
  const ProductSteps mlp{.x = attended, .norm = post_attention_layernorm_.get(), .activation = activation_};
  return apply_steps({.x = apply_gated(mlp, *gate_proj_, *up_proj_), .residual = attended}, *down_proj_);
}

Decoder::Decoder(const DecoderConfig& config, const at::TensorOptions& options) : config_(config) {
  auto trunk = register_module("model", std::make_shared<ModuleGroup>());
  embed_tokens_ =
      trunk->add("embed_tokens", std::make_shared<Embedding>(config.vocab_size, config.hidden_size, options));
  auto blocks = trunk->add("layers", std::make_shared<ModuleGroup>());
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    blocks_.push_back(blocks->add(std::to_string(i), std::make_shared<DecoderBlock>(config, options)));
  }
  norm_ = trunk->add("norm", std::make_shared<RmsNorm>(config.hidden_size, config.rms_norm_eps, options));
  lm_head_ = register_module(
      "lm_head", config.tie_word_embeddings
                     ? std::make_shared<Linear>(embed_tokens_->weight)
                     : std::make_shared<Linear>(config.hidden_size, config.vocab_size, false, options));
}

DecoderPass Decoder::prepare(const at::Tensor& embeddings, KvCache* cache) const {
  const int64_t tokens = embeddings.size(1);
  auto positions = at::arange(tokens, embeddings.options().dtype(at::kLong)).unsqueeze(0);  // [1,T]
  at::Tensor mask;
  if (cache != nullptr && !cache->lengths().empty()) {
    const auto& lengths = cache->lengths();
    const bool equal = are_equal(lengths);
    const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
    positions = plus_each(positions, equal ? std::vector<int64_t>{longest} : lengths);  // [B or 1,T]
    // After rows of equal length, one token attends to every key, and many tokens as causal ones do: no mask,
    // and the fast kernel.
    const bool fast = equal && (tokens == 1 || tokens >= longest);
    if (!fast) mask = visible_keys(positions, longest + tokens);
  }
  if (cache != nullptr) positions = rotary_positions(*cache, positions);
  auto pass = pass_at(positions, embeddings.scalar_type());
  pass.mask = std::move(mask);
  pass.cache = cache;
  return pass;
}

/// Returns a pass at `positions` [B or 1,T] without mask and cache.
DecoderPass Decoder::pass_at(const at::Tensor& positions, at::ScalarType dtype) const {
  const auto [cosine, sine] =
      kernels::rotary_factors(positions, {config_.head_width(), config_.rope_theta}, dtype);
  return {.cosine = cosine, .sine = sine, .mask = {}};
}

void Decoder::observe(const at::Tensor& embeddings, KvCache* cache, const std::vector<int64_t>& added) const {
  if (!observer_ || cache == nullptr) return;
  const int64_t number = cache->observe(observer_);
  if (cache->places().defined()) observer_->placed(number, cache->places());
  observer_->passed(number, cache->lengths(), embeddings, added);
}

at::Tensor Decoder::run(size_t layer, const at::Tensor& x, const DecoderPass& pass) const {
  const auto& block = *blocks_[layer];
  const auto index = static_cast<int64_t>(layer);
  // The pass is captured by value: the backward pass outlives this call.
  const auto compute = [&block, pass, index](const TensorList& inputs) {
    return TensorList{block.forward(inputs[0], pass, index)};
  };
  return runner_->run({.compute = compute, .parameters = block, .repeatable = pass.cache == nullptr}, {x})[0];
}

at::Tensor Decoder::forward(const at::Tensor& embeddings, KvCache* cache, const std::vector<int64_t>& added,
                            std::vector<at::Tensor>* states) const {
  observe(embeddings, cache, added);
  const auto pass = prepare(embeddings, cache);
  auto x = embeddings;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    if (states != nullptr) states->push_back(x);
    x = run(i, x, pass);
  }
  x = norm_->forward(x);
  if (states != nullptr) states->push_back(x);
  if (cache != nullptr) {
    cache->advance(added.empty() ? std::vector<int64_t>(cache->lengths().size(), x.size(1)) : added);
  }
  return x;
}

void Decoder::probe(const at::Tensor& embeddings, KvCache& cache, const AttentionProbe& probe) const {
  observe(embeddings, &cache, {});
  auto pass = prepare(embeddings, &cache);
  pass.probe = &probe;
  auto x = embeddings;
  for (size_t i = 0; i < blocks_.size(); ++i) x = run(i, x, pass);
  cache.advance(std::vector<int64_t>(cache.lengths().size(), x.size(1)));
}

at::Tensor Decoder::step(const at::Tensor& ids, FixedCache& cache) const {
  if (observer_) fail("a fixed decode step", "the decoder has an observer", "", ErrorKind::kInternal);
  const auto positions = cache.positions().unsqueeze(1);  // [R,1]
  auto x = embed(ids.unsqueeze(1));                       // [R,1,H]
  auto pass = pass_at(positions, x.scalar_type());
  pass.mask = visible_keys(positions, cache.capacity());
  pass.cache = &cache;
  for (size_t i = 0; i < blocks_.size(); ++i) x = run(i, x, pass);
  return logits(norm_->forward(x).select(1, 0));
}

at::Tensor Decoder::logits(const at::Tensor& hidden) const {
  return lm_head_->forward(hidden);
}

PartCost Decoder::cost(const DecoderConfig& config, const BatchSize& batch) {
  const double width = number(config.hidden_size), inner = number(config.intermediate_size);
  const double query_width = number(config.query_width()), key_width = number(config.key_width());
  const double tokens = number(batch.tokens), depth = number(config.num_hidden_layers);
  const double length = tokens / std::max(1.0, number(batch.pairs));
  const LayerSize layer{.tokens = tokens,
                        .keys = length / 2.0,  // a token attends to half of its sequence on average
                        .weights = 2.0 * width * query_width + 2.0 * width * key_width + 3.0 * width * inner,
                        .attention_width = query_width};
  // Of the values of a layer, the query and the attention's output have the width of all heads.
  const double heads = 2.0 * (query_width - width) + (config.qk_norm ? query_width + key_width : 0.0);
  return {.part = Part::kDecoder,
          .multiply_adds = depth * layer_multiply_adds(layer),
          .kept = {.blocks = depth,
                   .block = layer_values(tokens, width, inner) + tokens * heads,
                   .block_inputs = tokens * width}};
}

}  // namespace ccexpert::model

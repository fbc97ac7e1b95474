/// Decoder of the LLaMA family: pre-RMSNorm, grouped-query attention, rotary positions in the half-split
/// form, gated MLP. The flags of its config make it Qwen2 (the default; Qwen2.5 is the same), Qwen3 or LLaMA.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <ccexpert/model/block_runner.h>
#include <ccexpert/model/config.h>
#include <ccexpert/model/kv_cache.h>
#include <ccexpert/model/layers.h>
#include <ccexpert/model/part_cost.h>

namespace ccexpert::model {

class FixedCache;

/// Queries and keys of one block's attention.
struct AttentionRows {
  at::Tensor queries;  ///< [B,M,T,d], rotated
  at::Tensor keys;     ///< [B,K,t,d], those of the cache included
  at::Tensor mask;     ///< as in DecoderPass
};

/// Told of the attention of each block of a pass.
using AttentionProbe = std::function<void(const AttentionRows&)>;

/// Inputs that all blocks of one forward pass share.
struct DecoderPass {
  at::Tensor cosine, sine;  ///< rotary factors, [B or 1,1,T,d/2], in the compute dtype
  /// [B,1,T,t], true if a query may attend to a key; undefined: causal, the last query at the last key.
  at::Tensor mask;
  KeyValues* cache = nullptr;             ///< null: no cache
  const AttentionProbe* probe = nullptr;  ///< null: none
};

class DecoderAttention : public torch::nn::Module {  ///< Self-attention of a block
 public:
  DecoderAttention(const DecoderConfig& config, const at::TensorOptions& options);
  /// Maps x [B,T,H] and the norm of `input` to x + Attention(norm(x)); `layer` is its index in the cache.
  at::Tensor forward(const ProductSteps& input, const DecoderPass& pass, int64_t layer) const;

 private:
  int64_t heads_, kv_heads_;
  std::shared_ptr<Linear> q_proj_, k_proj_, v_proj_, o_proj_;
  std::shared_ptr<RmsNorm> q_norm_, k_norm_;  // of one head; null without qk_norm
};

class DecoderBlock : public torch::nn::Module {  ///< Transformer block
 public:
  DecoderBlock(const DecoderConfig& config, const at::TensorOptions& options);
  /// Maps [B,T,H] to [B,T,H].
  at::Tensor forward(const at::Tensor& x, const DecoderPass& pass, int64_t layer) const;

 private:
  Activation activation_;
  std::shared_ptr<RmsNorm> input_layernorm_, post_attention_layernorm_;
  std::shared_ptr<DecoderAttention> self_attn_;
  std::shared_ptr<Linear> gate_proj_, up_proj_, down_proj_;
};

/// Decoder with the parameter names of Qwen2ForCausalLM: model.embed_tokens, model.layers.{i}, model.norm,
/// lm_head.
class Decoder : public torch::nn::Module {
 public:
  Decoder(const DecoderConfig& config, const at::TensorOptions& options);

  /// Returns the cost for sequences of equal length.
  static PartCost cost(const DecoderConfig& config, const BatchSize& batch);

  /// Embeds token ids [B,T] as vectors [B,T,H].
  at::Tensor embed(const at::Tensor& ids) const { return embed_tokens_->forward(ids); }

  /// Maps vectors [B,T,H] to hidden states [B,T,H] after the final norm. Without a cache, positions start at
  /// 0 and padding on the right does not affect earlier positions. With a cache, row b continues after its
  /// cached tokens, at the positions that KvCache::place gave, else at those that follow; `added[b]` of its
  /// tokens are real (empty: all T). `states`, if given, receives the
  /// embeddings, every block's output, and the result instead of the last output.
  at::Tensor forward(const at::Tensor& embeddings, KvCache* cache = nullptr,
                     const std::vector<int64_t>& added = {}, std::vector<at::Tensor>* states = nullptr) const;

  /// Runs the blocks on vectors [B,T,H] after the tokens in `cache`, and adds T tokens to each row of it;
  /// tells `probe` of each block's attention.
  void probe(const at::Tensor& embeddings, KvCache& cache, const AttentionProbe& probe) const;

  /// Adds token `ids[r]` to row r of `cache` [R] at its position, and returns the logits [R,V] after it. All
  /// shapes and, except for results, all addresses are those of the cache, so that a GPU can repeat the call.
  at::Tensor step(const at::Tensor& ids, FixedCache& cache) const;

  /// Maps hidden states [...,H] to logits [...,V].
  at::Tensor logits(const at::Tensor& hidden) const;
  /// Returns the head [V,H]; if tied, its weight is the embedding's.
  const Linear& head() const { return *lm_head_; }

  const DecoderConfig& config() const { return config_; }                               ///< sizes
  const std::vector<std::shared_ptr<DecoderBlock>>& blocks() const { return blocks_; }  ///< in order
  /// Sets the runner of the blocks; the default is plain. With a cache, blocks are not repeatable.
  void set_runner(BlockRunnerRef runner) { runner_ = std::move(runner); }
  /// Sets an observer of the passes with a cache, and of their caches; null: none.
  void set_observer(std::shared_ptr<DecoderObserver> observer) { observer_ = std::move(observer); }
  /// True if the head is the embedding.
  bool tied() const { return config_.tie_word_embeddings; }

 private:
  at::Tensor run(size_t layer, const at::Tensor& x, const DecoderPass& pass) const;
  DecoderPass prepare(const at::Tensor& embeddings, KvCache* cache) const;
  void observe(const at::Tensor& embeddings, KvCache* cache, const std::vector<int64_t>& added) const;
  DecoderPass pass_at(const at::Tensor& positions, at::ScalarType dtype) const;

  DecoderConfig config_;
  std::shared_ptr<Embedding> embed_tokens_;
  std::vector<std::shared_ptr<DecoderBlock>> blocks_;
  std::shared_ptr<RmsNorm> norm_;
  std::shared_ptr<Linear> lm_head_;
  BlockRunnerRef runner_ = std::make_shared<PlainRunner>();
  std::shared_ptr<DecoderObserver> observer_;
};

}  // namespace ccexpert::model

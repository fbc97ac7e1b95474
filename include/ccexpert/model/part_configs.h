/// Sizes of the parts of a model, with the keys of a checkpoint's config.json and their ranges.
#pragma once

#include <cstdint>

#include <ccexpert/core/fields.h>
#include <ccexpert/model/activation.h>

namespace ccexpert::model {

// Ranges end far above every published model: a larger number means a damaged file, and would only end in a
// failed allocation.
inline constexpr Limits kSizeRange = in_range(1, 1 << 24);   ///< a width or a count
inline constexpr Limits kLayerRange = in_range(1, 1024);     ///< built before its weights are looked up
inline constexpr Limits kPixelRange = in_range(1, 1 << 14);  ///< the position embedding grows with the square
inline constexpr Limits kEpsilonRange = in_range(open(0), 1);        ///< an epsilon of a norm
inline constexpr Limits kRotaryBaseRange = in_range(open(0), 1e12);  ///< base of rotary positions

/// Kind of vision transformer.
enum class TowerKind {
  kSiglip,
  kClip,  ///< with a class token and a norm before the blocks
  kEva,   ///< with a class token, which the features keep, and without bias of the attention's keys
};

/// Vision transformer. The defaults are SigLIP so400m/14-384, used if a checkpoint has no vision config.
struct VisionConfig {
  int64_t hidden_size = 1152;
  int64_t intermediate_size = 4304;
  int64_t num_hidden_layers = 27;
  int64_t num_attention_heads = 16;
  int64_t image_size = 384;
  int64_t patch_size = 14;
  double layer_norm_eps = 1e-6;
  Activation hidden_act = Activation::kGeluTanh;
  TowerKind tower = TowerKind::kSiglip;  ///< set by an architecture, not by its config.json

  /// G; the last image_size % patch_size pixels are ignored.
  int64_t grid() const { return image_size / patch_size; }
  /// N.
  int64_t patches() const { return grid() * grid(); }

  static constexpr const char* kTitle = "vision config";  ///< in messages
  static constexpr auto fields() {
    using Self = VisionConfig;
    return std::tuple{
        field("hidden_size", &Self::hidden_size, "D, width of a patch feature", kSizeRange),
        field("intermediate_size", &Self::intermediate_size, "width inside the MLP", kSizeRange),
        field("num_hidden_layers", &Self::num_hidden_layers,
              "transformer blocks; negative layer numbers count from their end", kLayerRange),
        field("num_attention_heads", &Self::num_attention_heads, "attention heads", kSizeRange),
        field("image_size", &Self::image_size, "side of the square input in pixels", kPixelRange),
        field("patch_size", &Self::patch_size, "side of a patch in pixels", kSizeRange),
        field("layer_norm_eps", &Self::layer_norm_eps, "epsilon of the layer norms", kEpsilonRange),
        field("hidden_act", &Self::hidden_act, "activation of the MLP",
              among(Activation::kGeluTanh, Activation::kQuickGelu, Activation::kGelu))};
  }
};

/// Diff Expert (paper, section on the difference-aware integration module); the names are those of
/// `cc_expert_args`.
struct DiffExpertConfig {
  int64_t downsample_ratio = 1;
  int64_t per_expert_depth = 2;
  int64_t embedding_dim = 1152;
  int64_t mlp_dim = 4608;
  int64_t attention_upsample_rate = 1;

  static constexpr const char* kTitle = "cc_expert_args";  ///< in messages
  static constexpr auto fields() {
    using Self = DiffExpertConfig;
    return std::tuple{
        field("downsample_ratio", &Self::downsample_ratio, "token down-sampling; only 1 (none) is supported",
              kSizeRange),
        field("per_expert_depth", &Self::per_expert_depth, "Change Aware Transformer layers", kLayerRange),
        field("embedding_dim", &Self::embedding_dim, "D, must equal the vision width", kSizeRange),
        field("mlp_dim", &Self::mlp_dim, "width inside a layer's MLP", kSizeRange),
        field("attention_upsample_rate", &Self::attention_upsample_rate,
              "divides the inner attention width (1: no division)", kSizeRange)};
  }
};

/// Decoder of the LLaMA family. The defaults are Qwen2-0.5B.
struct DecoderConfig {
  int64_t vocab_size = 151936;
  int64_t hidden_size = 896;
  int64_t intermediate_size = 4864;
  int64_t num_hidden_layers = 24;
  int64_t num_attention_heads = 14;
  int64_t num_key_value_heads = 2;
  double rope_theta = 1e6;
  double rms_norm_eps = 1e-6;
  bool tie_word_embeddings = false;
  Activation hidden_act = Activation::kSilu;
  // An architecture sets these flags, not its config.json; the defaults are Qwen2's. LLaMA has no bias.
  bool attention_bias = true;          ///< of query, key and value
  bool attention_output_bias = false;  ///< of the attention's output
  bool mlp_bias = false;               ///< of all matrices of the MLP
  /// True if an RMS norm of each head's query and key precedes their rotation, as in Qwen3.
  bool qk_norm = false;
  /// Width of a head, `head_dim` of config.json; 0: hidden_size / num_attention_heads.
  int64_t head_dim = 0;
  /// Returns the width of a head.
  int64_t head_width() const { return head_dim > 0 ? head_dim : hidden_size / num_attention_heads; }
  /// Returns the width of all query heads, which may differ from hidden_size.
  int64_t query_width() const { return num_attention_heads * head_width(); }
  int64_t key_width() const { return num_key_value_heads * head_width(); }  ///< width of all keys

  static constexpr const char* kTitle = "decoder config";  ///< in messages
  static constexpr auto fields() {
    using Self = DecoderConfig;
    return std::tuple{
        field("vocab_size", &Self::vocab_size, "V, rows of the embedding", kSizeRange),
        field("hidden_size", &Self::hidden_size, "H, width of a token", kSizeRange),
        field("intermediate_size", &Self::intermediate_size, "width inside the MLP", kSizeRange),
        field("num_hidden_layers", &Self::num_hidden_layers, "transformer blocks", kLayerRange),
        field("num_attention_heads", &Self::num_attention_heads, "query heads", kSizeRange),
        field("num_key_value_heads", &Self::num_key_value_heads, "key and value heads", kSizeRange),
        field("rope_theta", &Self::rope_theta, "base of the rotary position embedding", kRotaryBaseRange),
        field("rms_norm_eps", &Self::rms_norm_eps, "epsilon of the RMS norms", kEpsilonRange),
        field("tie_word_embeddings", &Self::tie_word_embeddings,
              "the head is the embedding (false: a separate matrix)"),
        field("hidden_act", &Self::hidden_act, "activation of the MLP", among(Activation::kSilu))};
  }
};

}  // namespace ccexpert::model

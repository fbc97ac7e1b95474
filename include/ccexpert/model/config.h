/// All sizes of the model, as in a checkpoint's config.json. No code depends on one model size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/core/fields.h>

namespace ccexpert::model {

/// SigLIP vision transformer. The defaults are so400m/14-384, used if a checkpoint has no vision config.
struct VisionConfig {
  int64_t hidden_size = 1152;
  int64_t intermediate_size = 4304;
  int64_t num_hidden_layers = 27;
  int64_t num_attention_heads = 16;
  int64_t image_size = 384;
  int64_t patch_size = 14;
  double layer_norm_eps = 1e-6;
  std::string hidden_act = "gelu_pytorch_tanh";

  /// G; the last image_size % patch_size pixels are ignored.
  int64_t grid() const { return image_size / patch_size; }
  /// N.
  int64_t patches() const { return grid() * grid(); }

  static constexpr auto fields() {
    using Self = VisionConfig;
    return std::tuple{
        field("hidden_size", &Self::hidden_size, "D, width of a patch feature"),
        field("intermediate_size", &Self::intermediate_size, "width inside the MLP"),
        field("num_hidden_layers", &Self::num_hidden_layers,
              "transformer blocks; negative layer numbers count from their end"),
        field("num_attention_heads", &Self::num_attention_heads, "attention heads"),
        field("image_size", &Self::image_size, "side of the square input in pixels"),
        field("patch_size", &Self::patch_size, "side of a patch in pixels"),
        field("layer_norm_eps", &Self::layer_norm_eps, "epsilon of the layer norms"),
        field("hidden_act", &Self::hidden_act, "activation of the MLP; only gelu_pytorch_tanh is supported")};
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

  static constexpr auto fields() {
    using Self = DiffExpertConfig;
    return std::tuple{
        field("downsample_ratio", &Self::downsample_ratio, "token down-sampling; only 1 (none) is supported"),
        field("per_expert_depth", &Self::per_expert_depth, "Change Aware Transformer layers"),
        field("embedding_dim", &Self::embedding_dim, "D, must equal the vision width"),
        field("mlp_dim", &Self::mlp_dim, "width inside a layer's MLP"),
        field("attention_upsample_rate", &Self::attention_upsample_rate,
              "divides the inner attention width (1: no division)")};
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
  std::string hidden_act = "silu";
  // An architecture sets these flags, not its config.json; the defaults are Qwen2's. LLaMA has no bias.
  bool attention_bias = true;          ///< of query, key and value
  bool attention_output_bias = false;  ///< of the attention's output
  bool mlp_bias = false;               ///< of all matrices of the MLP

  int64_t head_width() const { return hidden_size / num_attention_heads; }

  static constexpr auto fields() {
    using Self = DecoderConfig;
    return std::tuple{
        field("vocab_size", &Self::vocab_size, "V, rows of the embedding"),
        field("hidden_size", &Self::hidden_size, "H, width of a token"),
        field("intermediate_size", &Self::intermediate_size, "width inside the MLP"),
        field("num_hidden_layers", &Self::num_hidden_layers, "transformer blocks"),
        field("num_attention_heads", &Self::num_attention_heads, "query heads"),
        field("num_key_value_heads", &Self::num_key_value_heads, "key and value heads"),
        field("rope_theta", &Self::rope_theta, "base of the rotary position embedding"),
        field("rms_norm_eps", &Self::rms_norm_eps, "epsilon of the RMS norms"),
        field("tie_word_embeddings", &Self::tie_word_embeddings,
              "the head is the embedding (false: a separate matrix)"),
        field("hidden_act", &Self::hidden_act, "activation of the MLP; only silu is supported")};
  }
};

struct ModelConfig {
  /// `model_type` of the architecture that chooses the parts.
  std::string architecture = "llava_qwen_cc";
  VisionConfig vision;
  /// Numbers of the hidden states used as features: 0 is the embedding, i the output of block i; S of them,
  /// ascending.
  std::vector<int64_t> vision_layers = {17, 20, 23, 26};
  /// Absent for a base model without Diff Expert; then only the last of `vision_layers` is used.
  std::optional<DiffExpertConfig> diff_expert = DiffExpertConfig{};
  /// True if a learned vector follows the tokens of each image, as in LLaVA-OneVision ("unpad" patch merge
  /// types and the llava-hf layout). Never with a Diff Expert.
  bool image_newline = false;
  DecoderConfig decoder;

  /// Returns the decoder positions of one image.
  int64_t image_tokens() const { return vision.patches() + (image_newline ? 1 : 0); }

  /// Throws Error naming the first invalid value.
  void validate() const;
};

/// Reads config.json text of the authors' layout, of a LLaVA-OneVision base, or of the llava-hf layout.
/// `source` starts error messages. Negative layer numbers of the authors' layout count from the end of the
/// published tower's 27 blocks, even if a file stores fewer; those of the llava-hf layout count from the end
/// of its own blocks, and `vision.num_hidden_layers` is then that of the published tower: one more than the
/// features need. Throws Error for missing sizes, and for unsupported features.
ModelConfig parse_model_config(std::string_view json_text, std::string_view source);

/// Prefix of this project's keys in a saved config.json; they are kept in every layout.
inline constexpr std::string_view kOwnKeyPrefix = "ccexpert_";

/// Returns config.json text for the reference implementation: the authors' layout with a Diff Expert,
/// lmms-lab's LLaVA-OneVision layout without. `original` is the model's initial config.json, of any layout,
/// or empty; its keys that are not sizes and that the layout supports are kept.
std::string model_config_json(const ModelConfig& config, std::string_view original = {});

/// Token ids of images and videos in the llava-hf layout.
struct LlavaHfTokens {
  int64_t image = 151646;
  int64_t video = 151647;
};

/// Same for LlavaOnevisionForConditionalGeneration of transformers. Throws Error for a model with a Diff
/// Expert or without `image_newline`, which that class does not support.
std::string llava_hf_config_json(const ModelConfig& config, const LlavaHfTokens& tokens,
                                 std::string_view original = {});

}  // namespace ccexpert::model

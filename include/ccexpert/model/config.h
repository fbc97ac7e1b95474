/// All sizes of the model, as in a checkpoint's config.json. No code depends on one model size.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/model/part_configs.h>
#include <ccexpert/model/qformer_config.h>

namespace ccexpert::model {

struct ModelConfig {  ///< Sizes and kinds of all parts
  /// `model_type` of the architecture that chooses the parts.
  std::string architecture = "llava_qwen_cc";
  VisionConfig vision;  ///< of the tower
  /// Numbers of the hidden states used as features: 0 is the embedding, i the output of block i; S of them,
  /// ascending.
  std::vector<int64_t> vision_layers = {17, 20, 23, 26};
  /// Absent for a base model without Diff Expert; then only the last of `vision_layers` is used.
  std::optional<DiffExpertConfig> diff_expert = DiffExpertConfig{};
  /// True if a learned vector follows the tokens of each image, as in LLaVA-OneVision ("unpad" patch merge
  /// types and the llava-hf layout). Never with a Diff Expert.
  bool image_newline = false;
  /// Present if a Q-Former connects tower and decoder, as in MiniGPT-4. Its tokens form no grid.
  std::optional<QFormerConfig> qformer = std::nullopt;
  DecoderConfig decoder;  ///< of the language model

  /// Returns the decoder positions of one image.
  int64_t image_tokens() const {
    return qformer ? qformer->num_query_tokens : vision.patches() + (image_newline ? 1 : 0);
  }

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
/// lmms-lab's LLaVA-OneVision layout without; for a model with a Q-Former, the layout of a merged MiniGPT-4.
/// `original` is the model's initial config.json, of any layout,
/// or empty; its keys that are not sizes and that the layout supports are kept.
std::string model_config_json(const ModelConfig& config, std::string_view original = {});

/// Token ids of images and videos in the llava-hf layout.
struct LlavaHfTokens {
  int64_t image = 151646;  ///< token of an image
  int64_t video = 151647;  ///< token of a video
};

/// Throws Error for a model that LlavaOnevisionForConditionalGeneration of transformers does not support: one
/// with a Diff Expert, without `image_newline`, or with another tower than SigLIP.
void expect_llava_hf(const ModelConfig& config);

/// Returns config.json text for that class; throws Error as expect_llava_hf.
std::string llava_hf_config_json(const ModelConfig& config, const LlavaHfTokens& tokens,
                                 std::string_view original = {});

}  // namespace ccexpert::model

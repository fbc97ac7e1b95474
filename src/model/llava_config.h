// config.json of the LLaVA family: the authors' layout, which is lmms-lab's too, and the llava-hf layout.
#pragma once

#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <ccexpert/model/config.h>

namespace ccexpert::model {

/// True for the llava-hf layout.
bool is_llava_hf(const nlohmann::json& object);

/// True if the authors' layout names a resampler, such as the Diff Expert.
bool has_resampler(const nlohmann::json& object);

/// True for a Qwen3 decoder (is_qwen3) and such a resampler.
bool is_qwen3_with_resampler(const nlohmann::json& object);

/// Fill `config` from a file of one layout; see parse_model_config. `source` starts error messages.
void parse_llava_hf(const nlohmann::json& object, ModelConfig& config, std::string_view source);
void parse_authors(const nlohmann::json& object, ModelConfig& config, std::string_view source);

/// LLaVA-1.5, in the authors' layout (liuhaotian), the same with a Diff Expert, and in the llava-hf layout.
bool is_llava15(const nlohmann::json& object);
bool is_llava15_with_resampler(const nlohmann::json& object);
bool is_llava15_hf(const nlohmann::json& object);
void parse_llava15(const nlohmann::json& object, ModelConfig& config, std::string_view source);
void parse_llava15_hf(const nlohmann::json& object, ModelConfig& config, std::string_view source);

/// Returns the sizes of CLIP ViT-L/14-336, LLaVA-1.5's tower.
VisionConfig clip_large_336();

/// Returns the sizes of LLaMA-7B, which transformers takes for keys that a file lacks.
DecoderConfig llama_7b();
/// Reads the decoder of a LLaMA or Vicuna.
DecoderConfig parse_llama(const nlohmann::json& object, std::string_view source);

}  // namespace ccexpert::model

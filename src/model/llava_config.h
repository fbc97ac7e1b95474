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

/// True if `model_type` says that the decoder is Qwen3: its other keys are also those of Qwen2.
bool is_qwen3(const nlohmann::json& object);
bool is_qwen3_with_resampler(const nlohmann::json& object);

/// Fill `config` from a file of one layout; see parse_model_config. `source` starts error messages.
void parse_llava_hf(const nlohmann::json& object, ModelConfig& config, std::string_view source);
void parse_authors(const nlohmann::json& object, ModelConfig& config, std::string_view source);

}  // namespace ccexpert::model

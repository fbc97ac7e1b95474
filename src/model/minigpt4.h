// MiniGPT-4: EVA-CLIP, Q-Former and a LLaMA decoder in one folder, as merge_minigpt4 writes it.
#pragma once

#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <ccexpert/model/ccexpert_model.h>

namespace ccexpert::model {

/// True for the config.json of a merged MiniGPT-4.
bool is_minigpt4(const nlohmann::json& object);

/// Fills `config`; see parse_model_config. Layer numbers count from the end of the tower's blocks, of which
/// the last may be missing in the files, as in the authors' layout. `source` starts error messages.
void parse_minigpt4(const nlohmann::json& object, ModelConfig& config, std::string_view source);

/// Returns EVA's tower and the Q-Former.
ModelParts minigpt4_parts(const ModelConfig& config, const at::TensorOptions& options);

}  // namespace ccexpert::model

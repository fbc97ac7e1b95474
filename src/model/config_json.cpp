#include <nlohmann/json.hpp>

#include <ccexpert/model/config.h>

#include "core/json.h"

namespace ccexpert {
namespace {

using nlohmann::json;

template <class Config>
json fields_json(const Config& config) {
  json object = json::object();
  for_each_field<Config>([&](const auto& each) { object[each.name] = config.*each.member; });
  return object;
}

/// What of another layout's file has no meaning in ours.
bool is_ours(const json& object) {
  return !object.contains("text_config");
}

/// Layer numbers from the end, as the authors write them: then they hold for a tower with blocks cut off,
/// too.
std::string layer_list(const ModelConfig& config) {
  json layers = json::array();
  for (const int64_t layer : config.vision_layers)
    layers.push_back(layer - config.vision.num_hidden_layers - 1);
  return layers.dump();
}

}  // namespace

std::string model_config_json(const ModelConfig& config, std::string_view original) {
  json object = original.empty() ? json::object() : parse_json(original, "config.json");
  if (!is_ours(object)) object = json::object();
  object.merge_patch({{"architectures", {"LlavaQwenCCForCausalLM"}},
                      {"model_type", "llava_qwen_cc"},
                      {"mm_hidden_size", config.vision.hidden_size},
                      {"mm_vision_select_layer", layer_list(config)},
                      {"mm_vision_select_feature", "patch"},
                      {"mm_projector_type", "mlp2x_gelu"},
                      {"mm_patch_merge_type", "flat"}});
  object.merge_patch(fields_json(config.decoder));
  object["vision_config"].merge_patch(fields_json(config.vision));
  object["vision_config"]["model_type"] = "siglip_vision_model";
  if (!object.contains("mm_vision_tower")) object["mm_vision_tower"] = "google/siglip-so400m-patch14-384";
  if (!object.contains("image_aspect_ratio")) object["image_aspect_ratio"] = "square";
  if (config.diff_expert) {
    object["mm_resampler_type"] = "cc_expert";
    object["cc_expert_args"].merge_patch(fields_json(*config.diff_expert));
  } else {
    object.erase("mm_resampler_type");
    object.erase("cc_expert_args");
  }
  return object.dump(2) + "\n";
}

}  // namespace ccexpert

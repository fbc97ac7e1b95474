#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/model/config.h>

#include "core/foreign_errors.h"
#include "core/json.h"
#include "model/config_checks.h"
#include "model/llava_config.h"

namespace ccexpert::model {
namespace {

using nlohmann::json;

/// Keys of a decoder that are not sizes and have the same meaning in both layouts.
constexpr const char* kDecoderKeys[] = {
    "attention_dropout", "bos_token_id",   "eos_token_id", "initializer_range",  "max_position_embeddings",
    "max_window_layers", "sliding_window", "use_cache",    "use_sliding_window", "pad_token_id"};

/// Returns the sizes of a decoder. Files name the width of a head if it does not follow from the others, or
/// if the decoder is Qwen3, for which transformers has another default.
json decoder_json(const DecoderConfig& decoder) {
  json object = fields_json(decoder);
  if (decoder.qk_norm || decoder.head_dim != 0) object["head_dim"] = decoder.head_width();
  return object;
}

/// Returns the model's initial config.json; an empty object if it is absent.
json parsed(std::string_view original) {
  return original.empty() ? json::object() : parse_json(original, "config.json");
}

void copy_key(const json& from, json& to, const std::string& key) {
  const auto found = from.find(key);
  if (found != from.end() && !found->is_null()) to[key] = *found;
}

/// Copies keys that both layouts have: this project's keys and the precision.
void copy_common(const json& from, json& to) {
  for (const char* key : {"torch_dtype", "dtype"}) copy_key(from, to, key);
  for (const auto& [key, value] : from.items()) {
    if (key.starts_with(kOwnKeyPrefix)) to[key] = value;
  }
}

void copy_decoder_keys(const json& from, json& to) {
  for (const char* key : kDecoderKeys) copy_key(from, to, key);
}

/// Returns `original` in lmms-lab's layout, without its sizes.
json lmms_base(const json& original) {
  if (!is_llava_hf(original)) return original;
  json object = json::object();
  copy_common(original, object);
  copy_decoder_keys(original["text_config"], object);
  copy_key(original, object, "image_aspect_ratio");
  return object;
}

/// Returns `original` in the llava-hf layout, without its sizes.
json llava_hf_base(const json& original) {
  json object = original;
  if (is_llava_hf(original)) {
    // The outer precision applies to the whole model.
    for (const char* part : {"text_config", "vision_config"}) {
      if (!object.contains(part)) continue;
      for (const char* key : {"torch_dtype", "dtype"}) object[part].erase(key);
    }
    return object;
  }
  object = {{"text_config", json::object()}};
  copy_common(original, object);
  copy_decoder_keys(original, object["text_config"]);
  copy_key(original, object, "image_aspect_ratio");
  return object;
}

int64_t from_the_end(const ModelConfig& config, int64_t layer) {
  return layer - config.vision.num_hidden_layers - 1;
}

/// Returns layer numbers from the end, which stay valid for a tower with removed blocks. The authors write a
/// list as a string, lmms-lab one number.
json select_layer(const ModelConfig& config) {
  if (!config.diff_expert) return from_the_end(config, config.vision_layers.back());
  json layers = json::array();
  for (const int64_t layer : config.vision_layers) layers.push_back(from_the_end(config, layer));
  return layers.dump();
}

/// Names of an architecture in the authors' layout, and the usual folder of its vision tower.
struct AuthorsNames {
  std::string class_name;
  std::string type;
  std::string tower;
};

AuthorsNames authors_names(const ModelConfig& config) {
  const bool clip = config.vision.tower == TowerKind::kClip, qwen3 = config.decoder.qk_norm;
  const bool expert = config.diff_expert.has_value();
  return {fmt::format("Llava{}{}ForCausalLM",
                      clip    ? "Llama"
                      : qwen3 ? "Qwen3"
                              : "Qwen",
                      expert ? "CC" : ""),
          fmt::format("llava_{}{}",
                      clip    ? "llama"
                      : qwen3 ? "qwen3"
                              : "qwen",
                      expert ? "_cc" : ""),
          clip ? "openai/clip-vit-large-patch14-336" : "google/siglip-so400m-patch14-384"};
}

/// Returns the aspect ratio mode. This implementation uses one square per image; it does not support crops.
std::string aspect_ratio(const json& original, const ModelConfig& config) {
  const json usual = config.vision.tower == TowerKind::kClip ? json("pad") : json();
  return original.value("image_aspect_ratio", usual) == "pad" ? "pad" : "square";
}

void set_vision_config(json& object, const VisionConfig& vision) {
  const json sizes = fields_json(vision);
  const bool clip = vision.tower == TowerKind::kClip;
  if (sizes == fields_json(clip ? clip_large_336() : VisionConfig{})) {
    object.erase("vision_config");  // as in the authors' configs
    return;
  }
  object["vision_config"].merge_patch(sizes);
  object["vision_config"]["model_type"] = clip ? "clip_vision_model" : "siglip_vision_model";
}

void set_diff_expert(json& object, const std::optional<DiffExpertConfig>& expert) {
  if (expert) {
    object["mm_resampler_type"] = "cc_expert";
    object["cc_expert_args"].merge_patch(fields_json(*expert));
  } else {
    object.erase("mm_resampler_type");
    object.erase("cc_expert_args");
  }
}

/// Returns the sizes into which transformers' image processor may split a single image: up to six squares per
/// side, as in the published configs.
json grid_pinpoints(int64_t side) {
  constexpr int64_t kMost = 6;
  json sizes = json::array();
  for (int64_t rows = 1; rows <= kMost; ++rows) {
    for (int64_t columns = 1; columns <= kMost; ++columns) sizes.push_back({rows * side, columns * side});
  }
  return sizes;
}

/// Returns config.json of a merged MiniGPT-4.
json minigpt4_json(const ModelConfig& config, json object) {
  object.merge_patch({{"architectures", {"MiniGPT4"}},
                      {"model_type", "minigpt4"},
                      {"mm_vision_select_layer", select_layer(config)}});
  const auto set_part = [&](const char* key, const char* type, const json& sizes) {
    object[key].merge_patch(sizes);
    object[key]["model_type"] = type;
  };
  set_part("vision_config", "blip_2_vision_model", fields_json(config.vision));
  set_part("qformer_config", "blip_2_qformer", fields_json(config.qformer.value()));
  set_part("text_config", "llama", decoder_json(config.decoder));
  set_diff_expert(object, config.diff_expert);
  return object;
}

}  // namespace

void expect_llava_hf(const ModelConfig& config) {
  if (config.qformer) {
    fail_expected({"llava-hf layout", "a model whose projector is an MLP", "one with a Q-Former",
                   "transformers has no class for it"});
  }
  if (config.vision.tower != TowerKind::kSiglip) {
    fail_expected({"llava-hf layout", "a LLaVA-OneVision model", "LLaVA-1.5",
                   "this program writes LLaVA-1.5 only in the layout lmms"});
  }
  if (config.diff_expert) {
    fail_expected(
        {"llava-hf layout", "a model without Diff Expert", "one with", "transformers has no class for it"});
  }
  if (!config.image_newline) {
    fail_expected({"llava-hf layout", "a model with image_newline", "one without",
                   "transformers puts that vector after each image"});
  }
  // The tower is cut after the layer whose features are used.
  if (config.vision_layers.back() == 0) {
    fail_expected(
        {"llava-hf layout", "features of a block of the vision transformer", "those before the first"});
  }
}

std::string model_config_json(const ModelConfig& config, std::string_view original) try {
  if (config.qformer) return minigpt4_json(config, parsed(original)).dump(2) + "\n";
  json object = lmms_base(parsed(original));
  const auto names = authors_names(config);
  object.merge_patch({{"architectures", {names.class_name}},
                      {"model_type", names.type},
                      {"mm_hidden_size", config.vision.hidden_size},
                      {"mm_vision_select_layer", select_layer(config)},
                      {"mm_vision_select_feature", "patch"},
                      {"mm_projector_type", "mlp2x_gelu"},
                      {"mm_patch_merge_type", config.image_newline ? "spatial_unpad" : "flat"},
                      {"mm_use_im_start_end", false},
                      {"mm_use_im_patch_token", false},
                      {"use_mm_proj", true},
                      {"image_aspect_ratio", aspect_ratio(object, config)}});
  object.merge_patch(decoder_json(config.decoder));
  if (!object.contains("mm_vision_tower")) object["mm_vision_tower"] = names.tower;
  set_vision_config(object, config.vision);
  set_diff_expert(object, config.diff_expert);
  return object.dump(2) + "\n";
} catch (...) {
  rethrow_as_error();
}

std::string llava_hf_config_json(const ModelConfig& config, const LlavaHfTokens& tokens,
                                 std::string_view original) try {
  expect_llava_hf(config);
  json object = llava_hf_base(parsed(original));
  object.merge_patch({{"architectures", {"LlavaOnevisionForConditionalGeneration"}},
                      {"model_type", "llava_onevision"},
                      {"image_token_index", tokens.image},
                      {"video_token_index", tokens.video},
                      {"projector_hidden_act", "gelu"},
                      {"multimodal_projector_bias", true},
                      {"vision_feature_layer", -1},
                      {"vision_feature_select_strategy", "full"},
                      {"vision_aspect_ratio", "anyres_max_9"},
                      {"image_grid_pinpoints", grid_pinpoints(config.vision.image_size)},
                      {"image_aspect_ratio", aspect_ratio(object, config)},
                      {"tie_word_embeddings", config.decoder.tie_word_embeddings}});
  object["text_config"].merge_patch(decoder_json(config.decoder));
  object["text_config"]["model_type"] = config.decoder.qk_norm ? "qwen3" : "qwen2";
  auto tower = config.vision;
  tower.num_hidden_layers = config.vision_layers.back();
  object["vision_config"].merge_patch(fields_json(tower));
  object["vision_config"].merge_patch({{"model_type", "siglip_vision_model"}, {"vision_use_head", false}});
  return object.dump(2) + "\n";
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::model

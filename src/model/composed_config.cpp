#include "model/composed_config.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "core/error_place.h"
#include "core/json.h"
#include "model/config_checks.h"
#include "model/weight_names.h"

namespace ccexpert::model {
namespace {

using nlohmann::json;

/// Sizes of SiglipVisionConfig and Siglip2VisionConfig in transformers, which published files leave out.
constexpr VisionConfig usual_tower() {
  return {.hidden_size = 768,
          .intermediate_size = 3072,
          .num_hidden_layers = 12,
          .num_attention_heads = 12,
          .image_size = 224,
          .patch_size = 16};
}
constexpr int64_t kUsualPatches = 256;  // of NaFlex

/// Language model that a base may have, and the base's `model_type`.
struct KnownDecoder {
  std::string_view type;
  std::string_view base;
};
constexpr std::array kDecoders{KnownDecoder{"qwen2", "llava_qwen"}, KnownDecoder{"qwen3", "llava_qwen3"}};

/// Keys that name another class than the composed one.
constexpr const char* kKeysOfClass[] = {"architectures", "auto_map", "transformers_version", "_name_or_path"};

std::string source_of(const io::Checkpoint& part) {
  return (part.folder / "config.json").string();
}

json config_of(const io::Checkpoint& part) {
  json config = parse_json(part.config_json, source_of(part));
  expect(config.is_object(), source_of(part), "a JSON object", config.type_name());
  return config;
}

std::string type_of(const json& config, std::string_view source) {
  return json_value(config, "model_type", std::string(), source);
}

/// Returns the config of the tower inside that of a model with a text model too.
json tower_in(const json& config, std::string_view source) {
  json tower = config.value("vision_config", json::object());
  expect(tower.is_object(), fmt::format("{}: vision_config", source), "an object", json_shown(tower));
  return tower;
}

/// Returns the side of the square grid of NaFlex's position embedding.
int64_t naflex_grid(const json& tower, std::string_view source) {
  const auto patches = json_value(tower, "num_patches", kUsualPatches, source);
  const int64_t side = std::llround(std::sqrt(static_cast<double>(std::max<int64_t>(patches, 0))));
  expect(side > 0 && side * side == patches, fmt::format("{}: num_patches", source), "a square number",
         std::to_string(patches));
  return side;
}

/// Returns the side of the square that NaFlex gets: the asked one, or that of its positions.
int64_t naflex_side(const TowerConfig& tower, int64_t asked) {
  const int64_t patch = tower.sizes.patch_size;
  expect(patch > 0, "vision config: patch_size", "1 or more", std::to_string(patch));
  expect(asked >= 0 && asked % patch == 0, "image size",
         fmt::format("a multiple of the patch of {} px", patch), std::to_string(asked));
  return asked > 0 ? asked : tower.naflex_grid * patch;
}

std::string text_of(const json& config, const char* key, const std::string& fallback) {
  const auto found = config.find(key);
  return found != config.end() && found->is_string() ? found->get<std::string>() : fallback;
}

/// Returns the tower's name; LLaVA's loader looks for "siglip" in it.
std::string tower_name(const io::Checkpoint& vision) {
  const auto name = text_of(config_of(vision), "_name_or_path", vision.folder.filename().string());
  return name.find("siglip") != std::string::npos ? name : "siglip";
}

json vision_json(const VisionConfig& vision) {
  json object = fields_json(vision);
  object["model_type"] = "siglip_vision_model";
  return object;
}

}  // namespace

TowerConfig read_tower_config(const io::Checkpoint& vision, const ComposeOptions& options) {
  const auto source = source_of(vision);
  const json whole = config_of(vision);
  const auto type = type_of(whole, source);
  const bool with_text = type == "siglip" || type == "siglip2";
  const bool naflex = type == "siglip2" || type == "siglip2_vision_model";
  expect(with_text || naflex || type == "siglip_vision_model", source,
         "a vision tower of model_type siglip, siglip_vision_model, siglip2 or siglip2_vision_model",
         type.empty() ? "none" : type);
  const json config = with_text ? tower_in(whole, source) : whole;
  TowerConfig tower{.sizes = usual_tower()};
  read_part(config, tower.sizes, source);
  const auto channels = json_value(config, "num_channels", int64_t{3}, source);
  expect(channels == 3, fmt::format("{}: num_channels", source), "3", std::to_string(channels));
  if (naflex) tower.naflex_grid = naflex_grid(config, source);
  expect(naflex || options.image_size == 0, "image size",
         fmt::format("none, as the vision tower has {} px", tower.sizes.image_size),
         std::to_string(options.image_size));
  with_place(source, [&] {
    if (naflex) tower.sizes.image_size = naflex_side(tower, options.image_size);
    validate_vision(tower.sizes);
  });
  return tower;
}

std::string composed_config_json(const BaseParts& parts, const VisionConfig& tower) {
  const auto source = source_of(parts.decoder);
  json object = config_of(parts.decoder);
  const auto type = type_of(object, source);
  const auto* known = std::ranges::find(kDecoders, type, &KnownDecoder::type);
  expect(known != kDecoders.end(), source, "a language model of model_type qwen2 or qwen3",
         type.empty() ? "none" : type);
  for (const char* key : kKeysOfClass) object.erase(key);
  object.update({{"model_type", std::string(known->base)},
                 {"mm_vision_tower", tower_name(parts.vision)},
                 {"mm_vision_select_layer", -2},
                 {"mm_projector_type", "mlp2x_gelu"},
                 {"mm_patch_merge_type", "flat"},
                 {"image_aspect_ratio", "square"},
                 {"vision_config", vision_json(tower)}});
  const bool stores_head = parts.decoder.weights->find(std::string(weight_names::kHeadWeight)) != nullptr;
  object["tie_word_embeddings"] = !stores_head || json_value(object, "tie_word_embeddings", false, source);
  return model_config_json(parse_model_config(object.dump(), source), object.dump());
}

}  // namespace ccexpert::model

#include "model/llava_config.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/model/weight_layouts.h>

#include "core/json.h"
#include "model/config_checks.h"
#include "model/config_parts.h"

namespace ccexpert::model {
namespace {

using nlohmann::json;

/// Returns the text config of the llava-hf layout.
json text_config(const json& object, std::string_view source) {
  json text = object_in(object, "text_config", source);
  // transformers uses the outer object's tie_word_embeddings; the inner one repeats it.
  if (!text.contains("tie_word_embeddings"))
    text["tie_word_embeddings"] = object.value("tie_word_embeddings", json());
  return text;
}

/// Throws Error for a part of another type; one without a type passes.
void expect_type(const json& object, const char* part, std::initializer_list<std::string_view> known,
                 std::string_view source) {
  const auto place = fmt::format("{}: {}", source, part);
  const auto type = json_value(object_in(object, part, source), "model_type", std::string(), place);
  if (!type.empty() && std::ranges::find(known, type) == known.end())
    fail_expected({place, fmt::format("model_type {}", fmt::join(known, " or ")), type,
                   "no other vision tower or language model is supported"});
}

/// Throws Error for other parts than LLaVA-OneVision's: models with its name may have them.
void expect_onevision_parts(const json& object, std::string_view source) {
  expect_type(object, "text_config", {"qwen2", "qwen3"}, source);
  expect_type(object, "vision_config", {"siglip_vision_model", "siglip"}, source);
  if (states(object_in(object, "vision_config", source), "model_type")) return;
  const auto name = json_value(object, "mm_vision_tower", std::string(), source);
  auto tower = name;
  std::ranges::transform(tower, tower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (tower.find("clip") != std::string::npos && tower.find("siglip") == std::string::npos)
    fail_expected({fmt::format("{}: mm_vision_tower", source), "a SigLIP vision tower", name,
                   "docs/models.md lists the supported models"});
}

/// Reads the only layer of features of the llava-hf layout.
void parse_feature_layer(const json& object, ModelConfig& config, int64_t usual, std::string_view source) {
  const auto key = fmt::format("{}: vision_feature_layer", source);
  config.vision_layers =
      resolve_layers(object.value("vision_feature_layer", json(usual)), config.vision.num_hidden_layers, key);
  expect(config.vision_layers.size() == 1, key, "one layer", std::to_string(config.vision_layers.size()));
}

/// Reads what is between tower and decoder in the authors' layout.
void parse_image_path(const json& object, ModelConfig& config, std::string_view source) {
  parse_diff_expert(object, config, source);
  parse_select_layer(object, config, source);
  expect_text(object, "mm_projector_type", "mlp2x_gelu", source);
  expect(!json_value(object, "mm_use_im_start_end", false, source),
         fmt::format("{}: mm_use_im_start_end", source), "false", "true");
}

}  // namespace

bool is_llava_hf(const json& object) {
  return object.contains("text_config");
}

bool has_resampler(const json& object) {
  return states(object, "mm_resampler_type");
}

bool is_qwen3_with_resampler(const json& object) {
  return is_qwen3(object) && has_resampler(object);
}

void parse_llava_hf(const json& object, ModelConfig& config, std::string_view source) {
  expect_onevision_parts(object, source);
  constexpr int64_t kStoredBlocks = 26;  // of the tower that transformers makes without a vision_config
  VisionConfig published;
  published.num_hidden_layers = kStoredBlocks;
  config.vision = parse_vision(object, published, source);
  config.decoder = parse_decoder(text_config(object, source), fmt::format("{}: text_config", source));
  config.decoder.vocab_size = lmms_vocabulary_rows(config.decoder.vocab_size);
  parse_feature_layer(object, config, -1, source);
  // The layout stores the tower without the blocks after the features. In lmms-lab's tower, on which all
  // other layer numbers are based, the features are the last hidden state but one.
  config.vision.num_hidden_layers = config.vision_layers.back() + 1;
  expect_text(object, "projector_hidden_act", "gelu", source);
  expect_text(object, "vision_feature_select_strategy", "full", source);
  config.diff_expert.reset();
  config.image_newline = true;
}

void parse_authors(const json& object, ModelConfig& config, std::string_view source) {
  expect_onevision_parts(object, source);
  config.vision = parse_vision(object, config.vision, source);
  expect_key(object, "vocab_size", source);
  config.decoder = parse_decoder(object, source);
  parse_image_path(object, config, source);
  const auto merge = json_value(object, "mm_patch_merge_type", std::string("flat"), source);
  config.image_newline = !config.diff_expert && merge.find("unpad") != std::string::npos;
}

VisionConfig clip_large_336() {
  return {.hidden_size = 1024,
          .intermediate_size = 4096,
          .num_hidden_layers = 24,
          .num_attention_heads = 16,
          .image_size = 336,
          .patch_size = 14,
          .layer_norm_eps = 1e-5,
          .hidden_act = Activation::kQuickGelu,
          .tower = TowerKind::kClip};
}

DecoderConfig llama_7b() {
  return {.vocab_size = 32'000,
          .hidden_size = 4096,
          .intermediate_size = 11'008,
          .num_hidden_layers = 32,
          .num_attention_heads = 32,
          .num_key_value_heads = 32,
          .rope_theta = 1e4,
          .attention_bias = false};
}

DecoderConfig parse_llama(const json& object, std::string_view source) {
  auto decoder = llama_7b();
  read_part(object, decoder, source);
  if (!states(object, "num_key_value_heads")) decoder.num_key_value_heads = decoder.num_attention_heads;
  parse_rope(object, decoder, source);
  parse_head_dim(object, decoder, source);
  for (const char* key : {"attention_bias", "mlp_bias"})
    expect(!json_value(object, key, false, source), fmt::format("{}: {}", source, key), "false", "true");
  return decoder;
}

bool is_llava15(const json& object) {
  const auto type = object.value("model_type", json()), names = object.value("architectures", json());
  const auto named = [](const json& name, std::string_view start) {
    return name.is_string() && name.get<std::string>().starts_with(start);
  };
  return !is_llava_hf(object) &&
         (named(type, "llava_llama") ||
          (names.is_array() && std::any_of(names.begin(), names.end(),
                                           [&](const json& name) { return named(name, "LlavaLlama"); })));
}

bool is_llava15_with_resampler(const json& object) {
  return is_llava15(object) && has_resampler(object);
}

bool is_llava15_hf(const json& object) {
  return is_llava_hf(object) && object.value("model_type", json()) == "llava";
}

void parse_llava15(const json& object, ModelConfig& config, std::string_view source) {
  config.vision = parse_vision(object, clip_large_336(), source);
  expect_keys(object, kDecoderSizes, source);
  expect_key(object, "vocab_size", source);
  config.decoder = parse_llama(object, source);
  parse_image_path(object, config, source);
  expect_text(object, "mm_vision_select_feature", "patch", source);
  // LLaVA-1.6 has the same names and sizes, but cuts an image into crops.
  expect_text(object, "mm_patch_merge_type", "flat", source);
}

void parse_llava15_hf(const json& object, ModelConfig& config, std::string_view source) {
  config.vision = parse_vision(object, clip_large_336(), source);
  // Published files state only the text sizes that differ from LLaMA-7B's.
  config.decoder = parse_llama(text_config(object, source), fmt::format("{}: text_config", source));
  parse_feature_layer(object, config, -2, source);
  const auto type_of = [&](const char* part) { return object_in(object, part, source); };
  expect_text(type_of("text_config"), "model_type", "llama", fmt::format("{}: text_config", source));
  expect_text(type_of("vision_config"), "model_type", "clip_vision_model",
              fmt::format("{}: vision_config", source));
  expect_text(object, "projector_hidden_act", "gelu", source);
  expect_text(object, "vision_feature_select_strategy", "default", source);
  config.diff_expert.reset();
}

}  // namespace ccexpert::model

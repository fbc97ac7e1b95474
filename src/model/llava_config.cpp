#include "model/llava_config.h"

#include <algorithm>
#include <array>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/model/weight_layouts.h>

#include "core/error_place.h"
#include "core/json.h"
#include "model/config_checks.h"

namespace ccexpert::model {
namespace {

using nlohmann::json;

/// Parses a layer list in the forms of released configs: a list, a string with a JSON list, or one number.
std::vector<int64_t> layer_numbers(const json& value, std::string_view source) {
  if (value.is_number_integer()) return {value.get<int64_t>()};
  const json list = value.is_string() ? parse_json(value.get<std::string>(), source) : value;
  if (list.is_number_integer()) return {list.get<int64_t>()};
  const bool integers =
      list.is_array() && !list.empty() &&
      std::all_of(list.begin(), list.end(), [](const json& item) { return item.is_number_integer(); });
  expect(integers, source, "a list of layer numbers", list.dump().substr(0, 60));
  return list.get<std::vector<int64_t>>();
}

/// Converts layer numbers to hidden state numbers; negative ones count from the end of `blocks` + 1 states.
std::vector<int64_t> resolve_layers(const json& value, int64_t blocks, std::string_view source) {
  auto layers = layer_numbers(value, source);
  for (auto& layer : layers) {
    const int64_t absolute = layer < 0 ? layer + blocks + 1 : layer;
    expect(absolute >= 0 && absolute <= blocks, source,
           fmt::format("hidden states {} to {} of {} blocks", -blocks - 1, blocks, blocks),
           std::to_string(layer));
    layer = absolute;
  }
  expect(std::is_sorted(layers.begin(), layers.end()) &&
             std::adjacent_find(layers.begin(), layers.end()) == layers.end(),
         source, "layers in ascending order, each once", value.dump());
  return layers;
}

/// Returns `object[key]`, or an empty object if it is absent or null. Throws Error if it is not an object.
json object_in(const json& object, const char* key, std::string_view source) {
  json part = object.value(key, json());
  if (part.is_null()) return json::object();
  expect(part.is_object(), fmt::format("{}: {}", source, key), "an object", part.dump().substr(0, 60));
  return part;
}

/// Keys without a default: with a wrong guess, another model would be computed if the shapes happen to fit.
constexpr std::array kVisionSizes{"hidden_size",         "intermediate_size", "num_hidden_layers",
                                  "num_attention_heads", "image_size",        "patch_size"};
constexpr std::array kDecoderSizes{"hidden_size", "intermediate_size", "num_hidden_layers",
                                   "num_attention_heads", "num_key_value_heads"};

bool states(const json& object, const char* key) {
  return !object.value(key, json()).is_null();
}

void expect_keys(const json& object, std::span<const char* const> keys, std::string_view source) {
  std::vector<std::string_view> missing;
  for (const char* key : keys) {
    if (!states(object, key)) missing.emplace_back(key);
  }
  expect(missing.empty(), source, fmt::format("{}", fmt::join(missing, ", ")),
         missing.size() == 1 ? "no such key" : "no such keys");
}

void expect_key(const json& object, const char* key, std::string_view source) {
  expect_keys(object, std::array{key}, source);
}

/// Parses the vision config. It must state every size; if it is absent, the tower is `vision`.
VisionConfig parse_vision(const json& object, VisionConfig vision, std::string_view source) {
  const json part = object_in(object, "vision_config", source);
  if (!part.empty()) expect_keys(part, kVisionSizes, fmt::format("{}: vision_config", source));
  read_part(part, vision, source);
  with_place(source, [&] { validate_vision(vision); });  // layer numbers depend on its blocks
  return vision;
}

/// Reads the base of the rotary embedding, which older files state next to the sizes and newer ones inside
/// `rope_parameters`. Returns false if there is none.
bool parse_rope(const json& object, DecoderConfig& decoder, std::string_view source) {
  bool stated = states(object, "rope_theta");
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const json rope = object_in(object, key, source);
    stated = stated || states(rope, "rope_theta");
    decoder.rope_theta = json_value(rope, "rope_theta", decoder.rope_theta, source);
    const json type = rope.value("rope_type", rope.value("type", json("default")));
    expect(type == "default", fmt::format("{}: {}", source, key), "no scaling (type default)",
           type.is_string() ? type.get<std::string>() : type.dump());
  }
  return stated;
}

/// Reads the width of a head, if the file states one that does not follow from the other sizes.
void parse_head_dim(const json& object, DecoderConfig& decoder, std::string_view source) {
  const int64_t usual =
      decoder.num_attention_heads > 0 ? decoder.hidden_size / decoder.num_attention_heads : 0;
  const auto stated = json_value(object, "head_dim", usual, source);
  if (stated == usual) return;
  expect(stated != 0, fmt::format("{}: head_dim", source), "above 0", "0");
  decoder.head_dim = stated;
}

/// Sets what makes a decoder Qwen3. transformers takes a width of 128 for a file without head_dim; published
/// files state it.
void parse_qwen3(const json& object, DecoderConfig& decoder, std::string_view source) {
  expect_key(object, "head_dim", source);
  expect(!json_value(object, "attention_bias", false, source), fmt::format("{}: attention_bias", source),
         "false", "true");
  decoder.attention_bias = false;
  decoder.qk_norm = true;
}

DecoderConfig parse_decoder(const json& object, std::string_view source) {
  expect_keys(object, kDecoderSizes, source);
  DecoderConfig decoder;
  read_part(object, decoder, source);
  if (is_qwen3(object)) parse_qwen3(object, decoder, source);
  parse_head_dim(object, decoder, source);
  // If the config does not say, the files decide: a stored head is used (build_model).
  if (!states(object, "tie_word_embeddings")) decoder.tie_word_embeddings = true;
  expect(parse_rope(object, decoder, source), source, "rope_theta", "no such key");
  expect(!json_value(object, "use_sliding_window", false, source),
         fmt::format("{}: use_sliding_window", source), "false", "true");
  return decoder;
}

/// Throws Error if `object[key]` is not the only supported value.
void expect_text(const json& object, const char* key, const std::string& expected, std::string_view source) {
  const auto value = json_value(object, key, expected, source);
  expect(value == expected, fmt::format("{}: {}", source, key), expected, value);
}

void parse_diff_expert(const json& object, ModelConfig& config, std::string_view source) {
  const auto resampler = json_value(object, "mm_resampler_type", std::string(), source);
  config.diff_expert.reset();
  if (resampler.empty()) return;
  expect(resampler == "cc_expert", fmt::format("{}: mm_resampler_type", source), "cc_expert, or none",
         resampler);
  auto& expert = config.diff_expert.emplace();
  expert.embedding_dim = config.vision.hidden_size;
  expert.mlp_dim = 4 * config.vision.hidden_size;
  read_part(object_in(object, "cc_expert_args", source), expert, source);
  expect_key(object, "mm_vision_select_layer", source);
}

/// Returns the text config of the llava-hf layout.
json text_config(const json& object, std::string_view source) {
  json text = object_in(object, "text_config", source);
  // transformers uses the outer object's tie_word_embeddings; the inner one repeats it.
  if (!text.contains("tie_word_embeddings"))
    text["tie_word_embeddings"] = object.value("tie_word_embeddings", json());
  return text;
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
  // LLaVA's tower uses the last layer but one, whatever the key says.
  config.vision_layers =
      resolve_layers(object.value("mm_vision_select_layer", json(-2)), config.vision.num_hidden_layers,
                     fmt::format("{}: mm_vision_select_layer", source));
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

bool is_qwen3(const json& object) {
  const auto type = object.value("model_type", json());
  return type == "qwen3" || type == "llava_qwen3" || type == "llava_qwen3_cc";
}

bool is_qwen3_with_resampler(const json& object) {
  return is_qwen3(object) && has_resampler(object);
}

void parse_llava_hf(const json& object, ModelConfig& config, std::string_view source) {
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

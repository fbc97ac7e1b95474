#include "model/config_parts.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

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

/// Sets what makes a decoder Qwen3. transformers takes a width of 128 for a file without head_dim; published
/// files state it.
void parse_qwen3(const json& object, DecoderConfig& decoder, std::string_view source) {
  expect_key(object, "head_dim", source);
  expect(!json_value(object, "attention_bias", false, source), fmt::format("{}: attention_bias", source),
         "false", "true");
  decoder.attention_bias = false;
  decoder.qk_norm = true;
}

}  // namespace

json object_in(const json& object, const char* key, std::string_view source) {
  json part = object.value(key, json());
  if (part.is_null()) return json::object();
  expect(part.is_object(), fmt::format("{}: {}", source, key), "an object", part.dump().substr(0, 60));
  return part;
}

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

void parse_select_layer(const json& object, ModelConfig& config, std::string_view source) {
  config.vision_layers =
      resolve_layers(object.value("mm_vision_select_layer", json(-2)), config.vision.num_hidden_layers,
                     fmt::format("{}: mm_vision_select_layer", source));
}

VisionConfig parse_vision(const json& object, VisionConfig vision, std::string_view source) {
  const json part = object_in(object, "vision_config", source);
  if (!part.empty()) expect_keys(part, kVisionSizes, fmt::format("{}: vision_config", source));
  read_part(part, vision, source);
  with_place(source, [&] { validate_vision(vision); });  // layer numbers depend on its blocks
  return vision;
}

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

void parse_head_dim(const json& object, DecoderConfig& decoder, std::string_view source) {
  const int64_t usual =
      decoder.num_attention_heads > 0 ? decoder.hidden_size / decoder.num_attention_heads : 0;
  const auto stated = json_value(object, "head_dim", usual, source);
  if (stated == usual) return;
  expect(stated != 0, fmt::format("{}: head_dim", source), "above 0", "0");
  decoder.head_dim = stated;
}

bool is_qwen3(const json& object) {
  const auto type = object.value("model_type", json());
  return type == "qwen3" || type == "llava_qwen3" || type == "llava_qwen3_cc";
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

}  // namespace ccexpert::model

// config.json of a merged MiniGPT-4.
#include <array>
#include <span>

#include <fmt/format.h>

#include "model/config_checks.h"
#include "model/config_parts.h"
#include "model/llava_config.h"
#include "model/minigpt4.h"

namespace ccexpert::model {

using nlohmann::json;

namespace {

constexpr std::array kQFormerSizes{"num_query_tokens",  "hidden_size",         "intermediate_size",
                                   "num_hidden_layers", "num_attention_heads", "cross_attention_frequency"};

}  // namespace

bool is_minigpt4(const json& object) {
  return object.contains("qformer_config");
}

void parse_minigpt4(const json& object, ModelConfig& config, std::string_view source) {
  for (const char* part : {"vision_config", "qformer_config", "text_config"})
    expect_key(object, part, source);
  const auto expect_part = [&](const char* part, const char* type, std::span<const char* const> sizes) {
    const json found = object_in(object, part, source);
    const auto place = fmt::format("{}: {}", source, part);
    expect_text(found, "model_type", type, place);
    expect_keys(found, sizes, place);
  };
  expect_part("vision_config", "blip_2_vision_model", kVisionSizes);
  expect_part("qformer_config", "blip_2_qformer", kQFormerSizes);
  expect_part("text_config", "llama", kDecoderSizes);
  VisionConfig eva;
  eva.tower = TowerKind::kEva;
  eva.hidden_act = Activation::kGelu;
  config.vision = parse_vision(object, eva, source);
  read_part(object_in(object, "qformer_config", source), config.qformer.emplace(), source);
  const json text = object_in(object, "text_config", source);
  const auto text_source = fmt::format("{}: text_config", source);
  expect_key(text, "vocab_size", text_source);
  config.decoder = parse_llama(text, text_source);
  parse_diff_expert(object, config, source);
  parse_select_layer(object, config, source);
  config.image_newline = false;
}

}  // namespace ccexpert::model

// config.json of a merged MiniGPT-4.
#include <fmt/format.h>

#include "model/config_checks.h"
#include "model/config_parts.h"
#include "model/llava_config.h"
#include "model/minigpt4.h"

namespace ccexpert::model {

using nlohmann::json;

bool is_minigpt4(const json& object) {
  return object.contains("qformer_config");
}

void parse_minigpt4(const json& object, ModelConfig& config, std::string_view source) {
  for (const char* part : {"vision_config", "text_config"}) expect_key(object, part, source);
  const auto expect_type = [&](const char* part, const char* type) {
    expect_text(object_in(object, part, source), "model_type", type, fmt::format("{}: {}", source, part));
  };
  expect_type("vision_config", "blip_2_vision_model");
  expect_type("qformer_config", "blip_2_qformer");
  expect_type("text_config", "llama");
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
  config.vision_layers =
      resolve_layers(object.value("mm_vision_select_layer", json(-2)), config.vision.num_hidden_layers,
                     fmt::format("{}: mm_vision_select_layer", source));
  config.image_newline = false;
}

}  // namespace ccexpert::model

#include <fmt/format.h>

#include <ccexpert/model/config.h>

#include "core/foreign_errors.h"
#include "core/json.h"
#include "model/architectures.h"
#include "model/config_checks.h"

namespace ccexpert::model {
namespace {

// Far above every published model: larger numbers mean a damaged file, and would only end in a failed
// allocation.
constexpr int64_t kLargest = int64_t{1} << 24;
// Each layer is built before its weights are looked up.
constexpr int64_t kMostLayers = 1024;
// The position embedding grows with the square.
constexpr int64_t kMostPixels = int64_t{1} << 14;
// A norm's epsilon is tiny, a rotary base large.
constexpr double kLargestEpsilon = 1.0, kLargestBase = 1e12;

int64_t largest_integer(std::string_view name) {
  if (name == "num_hidden_layers" || name == "per_expert_depth") return kMostLayers;
  return name == "image_size" ? kMostPixels : kLargest;
}

template <class Config>
void expect_sizes(const Config& config, std::string_view part) {
  for_each_field<Config>([&](const auto& each) {
    const auto& value = config.*each.member;
    const auto what = fmt::format("{}: {}", part, each.name);
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, int64_t>) {
      const int64_t most = largest_integer(each.name);
      expect(value > 0 && value <= most, what, fmt::format("1 to {}", most), std::to_string(value));
    }
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, double>) {
      const double most = std::string_view(each.name).ends_with("_eps") ? kLargestEpsilon : kLargestBase;
      expect(value > 0.0 && value <= most, what, fmt::format("above 0 and at most {}", most),
             fmt::format("{}", value));
    }
  });
}

void validate_diff_expert(const DiffExpertConfig& expert, const VisionConfig& vision) {
  expect_sizes(expert, "cc_expert_args");
  expect(expert.downsample_ratio == 1, "cc_expert_args: downsample_ratio", "1",
         std::to_string(expert.downsample_ratio));
  expect(expert.embedding_dim == vision.hidden_size, "cc_expert_args: embedding_dim",
         fmt::format("the vision width {}", vision.hidden_size), std::to_string(expert.embedding_dim));
  const int64_t heads = expert.embedding_dim / 128;
  expect(heads > 0, "cc_expert_args: embedding_dim", "at least 128 (one attention head)",
         std::to_string(expert.embedding_dim));
  expect(expert.embedding_dim % (expert.attention_upsample_rate * heads) == 0,
         "cc_expert_args: attention_upsample_rate",
         fmt::format("a divisor of {} that leaves whole heads", expert.embedding_dim),
         std::to_string(expert.attention_upsample_rate));
}

void validate_decoder(const DecoderConfig& decoder) {
  expect_sizes(decoder, "decoder config");
  expect(decoder.hidden_size % (2 * decoder.num_attention_heads) == 0, "decoder config: hidden_size",
         fmt::format("an even multiple of num_attention_heads ({})", decoder.num_attention_heads),
         std::to_string(decoder.hidden_size));
  expect(decoder.num_attention_heads % decoder.num_key_value_heads == 0,
         "decoder config: num_key_value_heads",
         fmt::format("a divisor of num_attention_heads ({})", decoder.num_attention_heads),
         std::to_string(decoder.num_key_value_heads));
  expect(decoder.hidden_act == "silu", "decoder config: hidden_act", "silu", decoder.hidden_act);
}

}  // namespace

void validate_vision(const VisionConfig& vision) {
  expect_sizes(vision, "vision config");
  expect(vision.hidden_size % vision.num_attention_heads == 0, "vision config: hidden_size",
         fmt::format("a multiple of num_attention_heads ({})", vision.num_attention_heads),
         std::to_string(vision.hidden_size));
  expect(vision.patch_size <= vision.image_size, "vision config: patch_size", "at most image_size",
         std::to_string(vision.patch_size));
  expect(vision.hidden_act == "gelu_pytorch_tanh", "vision config: hidden_act", "gelu_pytorch_tanh",
         vision.hidden_act);
}

void ModelConfig::validate() const {
  validate_vision(vision);
  validate_decoder(decoder);
  if (diff_expert) validate_diff_expert(*diff_expert, vision);
  expect(!vision_layers.empty(), "vision layers", "at least one", "none");
  expect(!diff_expert || !image_newline, "image_newline", "false with a Diff Expert", "true");
}

ModelConfig parse_model_config(std::string_view json_text, std::string_view source) try {
  const nlohmann::json object = parse_json(json_text, source);
  expect(object.is_object(), source, "a JSON object", object.type_name());
  const auto& architecture = architecture_of(object);
  ModelConfig config;
  config.architecture = architecture.type;
  try {
    architecture.parse(object, config, source);
  } catch (const nlohmann::json::exception&) {
    fail(source, "is not a model config", "a value has another type than expected");
  }
  with_source(source, [&] { config.validate(); });
  return config;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::model

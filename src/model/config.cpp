#include <fmt/format.h>

#include <ccexpert/model/config.h>

#include "core/error_place.h"
#include "core/foreign_errors.h"
#include "core/json.h"
#include "model/architectures.h"
#include "model/config_checks.h"

namespace ccexpert::model {
namespace {

void validate_diff_expert(const DiffExpertConfig& expert, const VisionConfig& vision) {
  expect_fields(expert);
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

// Above every published width of all heads.
constexpr int64_t kLargestWidth = int64_t{1} << 24;

void validate_head_dim(const DecoderConfig& decoder) {
  const int64_t most = kLargestWidth / decoder.num_attention_heads;
  expect(decoder.head_dim > 0 && decoder.head_dim % 2 == 0 && decoder.head_dim <= most,
         "decoder config: head_dim", fmt::format("an even number of 2 to {}", most),
         std::to_string(decoder.head_dim));
}

void validate_decoder(const DecoderConfig& decoder) {
  expect_fields(decoder);
  if (decoder.head_dim != 0) {
    validate_head_dim(decoder);
  } else {
    expect(decoder.hidden_size % (2 * decoder.num_attention_heads) == 0, "decoder config: hidden_size",
           fmt::format("an even multiple of num_attention_heads ({})", decoder.num_attention_heads),
           std::to_string(decoder.hidden_size));
  }
  expect(decoder.num_attention_heads % decoder.num_key_value_heads == 0,
         "decoder config: num_key_value_heads",
         fmt::format("a divisor of num_attention_heads ({})", decoder.num_attention_heads),
         std::to_string(decoder.num_key_value_heads));
}

void validate_qformer(const QFormerConfig& qformer) {
  expect_fields(qformer);
  expect(qformer.hidden_size % qformer.num_attention_heads == 0, "qformer_config: hidden_size",
         fmt::format("a multiple of num_attention_heads ({})", qformer.num_attention_heads),
         std::to_string(qformer.hidden_size));
}

void expect_activation(const VisionConfig& vision) {
  const auto refuse_unless = [&](bool known, std::string_view expected) {
    expect(known, "vision config: hidden_act", expected, text_of(vision.hidden_act));
  };
  switch (vision.tower) {
    case TowerKind::kSiglip:
      return refuse_unless(vision.hidden_act == Activation::kGeluTanh, "gelu_pytorch_tanh");
    case TowerKind::kClip:
      return refuse_unless(vision.hidden_act != Activation::kGeluTanh, "quick_gelu or gelu");
    case TowerKind::kEva:
      return refuse_unless(vision.hidden_act == Activation::kGelu, "gelu");
  }
}

}  // namespace

void validate_vision(const VisionConfig& vision) {
  expect_fields(vision);
  expect(vision.hidden_size % vision.num_attention_heads == 0, "vision config: hidden_size",
         fmt::format("a multiple of num_attention_heads ({})", vision.num_attention_heads),
         std::to_string(vision.hidden_size));
  expect(vision.patch_size <= vision.image_size, "vision config: patch_size", "at most image_size",
         std::to_string(vision.patch_size));
  expect_activation(vision);
}

void ModelConfig::validate() const {
  validate_vision(vision);
  validate_decoder(decoder);
  if (diff_expert) validate_diff_expert(*diff_expert, vision);
  expect(!vision_layers.empty(), "vision layers", "at least one", "none");
  expect(!diff_expert || !image_newline, "image_newline", "false with a Diff Expert", "true");
  if (qformer) validate_qformer(*qformer);
  expect(!qformer || !image_newline, "image_newline", "false with a Q-Former", "true");
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
  with_place(source, [&] { config.validate(); });
  return config;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::model

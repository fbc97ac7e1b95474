// Parts of config.json that several architectures share. `source` starts error messages.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/model/config.h>

namespace ccexpert::model {

/// Keys of a tower without a default: with a wrong guess, another model would be computed if the shapes
/// happen to fit.
inline constexpr std::array kVisionSizes{"hidden_size",         "intermediate_size", "num_hidden_layers",
                                         "num_attention_heads", "image_size",        "patch_size"};

/// Keys of a decoder without a default.
inline constexpr std::array kDecoderSizes{"hidden_size", "intermediate_size", "num_hidden_layers",
                                          "num_attention_heads", "num_key_value_heads"};

/// Returns `object[key]`, or an empty object if it is absent or null. Throws Error if it is not an object.
nlohmann::json object_in(const nlohmann::json& object, const char* key, std::string_view source);

/// True if `object[key]` is neither absent nor null.
bool states(const nlohmann::json& object, const char* key);

/// Throw Error naming the keys that are absent or null.
void expect_keys(const nlohmann::json& object, std::span<const char* const> keys, std::string_view source);
void expect_key(const nlohmann::json& object, const char* key, std::string_view source);

/// Throws Error if `object[key]` is not the only supported value.
void expect_text(const nlohmann::json& object, const char* key, const std::string& expected,
                 std::string_view source);

/// Converts layer numbers to hidden state numbers; negative ones count from the end of `blocks` + 1 states.
std::vector<int64_t> resolve_layers(const nlohmann::json& value, int64_t blocks, std::string_view source);

/// Sets the layer of the tower that is used: `mm_vision_select_layer`, by default the last but one. The
/// vision config must be known.
void parse_select_layer(const nlohmann::json& object, ModelConfig& config, std::string_view source);

/// Parses the vision config. It must state every size; if it is absent, the tower is `vision`.
VisionConfig parse_vision(const nlohmann::json& object, VisionConfig vision, std::string_view source);

/// Reads the base of the rotary embedding, which older files state next to the sizes and newer ones inside
/// `rope_parameters`. Returns false if there is none.
bool parse_rope(const nlohmann::json& object, DecoderConfig& decoder, std::string_view source);

/// Reads the width of a head, if the file states one that does not follow from the other sizes.
void parse_head_dim(const nlohmann::json& object, DecoderConfig& decoder, std::string_view source);

/// True if `model_type` says that the decoder is Qwen3: its other keys are also those of Qwen2.
bool is_qwen3(const nlohmann::json& object);

/// Parses the sizes of Qwen2 or Qwen3.
DecoderConfig parse_decoder(const nlohmann::json& object, std::string_view source);

/// Sets `config.diff_expert` from the keys of the authors' layout; empty without a resampler. The vision
/// config must be known.
void parse_diff_expert(const nlohmann::json& object, ModelConfig& config, std::string_view source);

}  // namespace ccexpert::model

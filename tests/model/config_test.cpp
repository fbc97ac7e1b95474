#include <limits>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/model/config.h>

#include "core/files.h"
#include "core/json.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

json config_of(const std::string& checkpoint) {
  const auto path = test::data_folder() / checkpoint / "config.json";
  return parse_json(read_file(path), path.string());
}

ModelConfig parsed(const json& object) {
  return parse_model_config(object.dump(), "config.json");
}

/// Returns the config of the published 0.5B base in one of its two layouts.
ModelConfig published(const std::string& layout) {
  const auto path = test::data_folder() / ("configs/base-" + layout + ".json");
  return parse_model_config(read_file(path), path.string());
}

std::string error_with(json object, const std::string& pointer, const json& value) {
  object[json::json_pointer(pointer)] = value;
  return test::error_of([&] { parsed(object); });
}

TEST(ModelConfig, ReadsTheAuthorsLayout) {
  const auto config = parsed(config_of("checkpoint-tiny"));
  EXPECT_EQ(config.vision.hidden_size, 128);
  EXPECT_EQ(config.vision.intermediate_size, 256);
  EXPECT_EQ(config.vision.num_hidden_layers, 6);
  EXPECT_EQ(config.vision.num_attention_heads, 2);
  EXPECT_EQ(config.vision.grid(), 6);
  EXPECT_EQ(config.vision.patches(), 36);
  EXPECT_THAT(config.vision_layers, ElementsAre(1, 2, 4, 5));
  ASSERT_TRUE(config.diff_expert);
  EXPECT_EQ(config.diff_expert->embedding_dim, 128);
  EXPECT_EQ(config.diff_expert->mlp_dim, 512);
  EXPECT_EQ(config.diff_expert->per_expert_depth, 2);
  EXPECT_EQ(config.decoder.vocab_size, 512);
  EXPECT_EQ(config.decoder.hidden_size, 64);
  EXPECT_EQ(config.decoder.head_width(), 16);
  EXPECT_EQ(config.decoder.num_hidden_layers, 2);
  EXPECT_EQ(config.decoder.rope_theta, 1e6);
  EXPECT_FALSE(config.decoder.tie_word_embeddings);
}

TEST(ModelConfig, ReadsTheLlavaHfLayout) {
  const auto config = parsed(config_of("checkpoint-tiny-hf"));
  EXPECT_EQ(config.vision.hidden_size, 64);
  EXPECT_THAT(config.vision_layers, ElementsAre(3)) << "-1 counts from the end of its own blocks";
  EXPECT_EQ(config.vision.num_hidden_layers, 4) << "lmms-lab's tower has a block after the features";
  EXPECT_FALSE(config.diff_expert);
  EXPECT_TRUE(config.image_newline);
  EXPECT_EQ(config.image_tokens(), 37);
  EXPECT_EQ(config.decoder.vocab_size, 512);
  EXPECT_EQ(config.decoder.rope_theta, 1e6);
}

TEST(ModelConfig, BothLayoutsOfAPublishedBaseAreOneModel) {
  for (const char* layout : {"lmms", "llava-hf"}) {
    SCOPED_TRACE(layout);
    const auto config = published(layout);
    EXPECT_EQ(config.vision.num_hidden_layers, 27);
    EXPECT_THAT(config.vision_layers, ElementsAre(26));
    EXPECT_TRUE(config.image_newline);
    EXPECT_EQ(config.image_tokens(), 730);
    EXPECT_EQ(config.decoder.vocab_size, 151'936) << "without the rows that the conversion added";
  }
}

TEST(ModelConfig, AFeatureLayerOfTheWholeTowerIsTheSameModel) {
  auto object = parse_json(read_file(test::data_folder() / "configs/base-llava-hf.json"), "config.json");
  object["vision_config"]["num_hidden_layers"] = 27;
  object["vision_feature_layer"] = -2;
  EXPECT_EQ(parsed(object).vision.num_hidden_layers, 27);
  EXPECT_THAT(parsed(object).vision_layers, ElementsAre(26));
  object["vision_feature_layer"] = {-8, -2};
  EXPECT_EQ(test::error_of([&] { parsed(object); }),
            "config.json: vision_feature_layer: expected one layer, got 2");
}

TEST(ModelConfig, AnUnpadMergeHasANewlineUnlessThereIsADiffExpert) {
  auto object = config_of("checkpoint-tiny");
  object["mm_patch_merge_type"] = "spatial_unpad";
  EXPECT_FALSE(parsed(object).image_newline);
  object.erase("mm_resampler_type");
  EXPECT_TRUE(parsed(object).image_newline);
  for (const char* merge : {"flat", "spatial"}) {
    object["mm_patch_merge_type"] = merge;
    EXPECT_FALSE(parsed(object).image_newline) << merge;
  }
}

TEST(ModelConfig, SizesHaveNoDefaults) {
  const auto tiny = config_of("checkpoint-tiny"), hf = config_of("checkpoint-tiny-hf");
  const auto error_without = [](json object, const std::string& parent, const char* key) {
    object[json::json_pointer(parent)].erase(key);
    return test::error_of([&] { parsed(object); });
  };
  for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                          "num_key_value_heads", "vocab_size", "rope_theta", "mm_vision_select_layer"}) {
    EXPECT_EQ(error_without(tiny, "", key), fmt::format("config.json: expected {}, got no such key", key));
  }
  for (const char* key :
       {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "rope_theta"}) {
    EXPECT_EQ(error_without(hf, "/text_config", key),
              fmt::format("config.json: text_config: expected {}, got no such key", key));
  }
  for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                          "image_size", "patch_size"}) {
    EXPECT_EQ(error_without(tiny, "/vision_config", key),
              fmt::format("config.json: vision_config: expected {}, got no such key", key));
  }
  EXPECT_EQ(error_with(tiny, "/num_attention_heads", nullptr),
            "config.json: expected num_attention_heads, got no such key");
  auto empty = tiny;
  for (const char* key : {"hidden_size", "num_attention_heads"}) empty.erase(key);
  EXPECT_EQ(test::error_of([&] { parsed(empty); }),
            "config.json: expected hidden_size, num_attention_heads, got no such keys");
}

TEST(ModelConfig, DefaultsThatPublishedFilesRelyOn) {
  auto hf = config_of("checkpoint-tiny-hf");
  for (const char* key : {"vocab_size", "rms_norm_eps", "hidden_act"}) hf["text_config"].erase(key);
  hf["vision_config"].erase("layer_norm_eps");
  const auto config = parsed(hf);
  EXPECT_EQ(config.decoder.vocab_size, 151'936) << "transformers omits its own defaults";
  EXPECT_EQ(config.decoder.rms_norm_eps, 1e-6);
  EXPECT_EQ(config.vision.layer_norm_eps, 1e-6);
  hf.erase("vision_config");
  hf.erase("vision_feature_layer");
  EXPECT_THAT(parsed(hf).vision_layers, ElementsAre(26));
}

TEST(ModelConfig, WithoutAVisionConfigIsSo400m) {
  auto object = config_of("checkpoint-tiny");
  object.erase("vision_config");
  object["mm_vision_select_layer"] = {-11, -8, -5, -2};
  object["cc_expert_args"] = {{"downsample_ratio", 1}, {"per_expert_depth", 3}};
  const auto config = parsed(object);
  EXPECT_EQ(config.vision.hidden_size, 1152);
  EXPECT_EQ(config.vision.intermediate_size, 4304);
  EXPECT_EQ(config.vision.num_hidden_layers, 27);
  EXPECT_EQ(config.vision.patches(), 729);
  EXPECT_THAT(config.vision_layers, ElementsAre(17, 20, 23, 26));
  EXPECT_EQ(config.diff_expert->per_expert_depth, 3);
  EXPECT_EQ(config.diff_expert->embedding_dim, 1152);
  EXPECT_EQ(config.diff_expert->mlp_dim, 4608);
}

TEST(ModelConfig, WithoutAResamplerIsABaseModelOfTheLastLayerButOne) {
  auto object = config_of("checkpoint-tiny");
  object["mm_resampler_type"] = nullptr;
  object.erase("mm_vision_select_layer");
  const auto config = parsed(object);
  EXPECT_FALSE(config.diff_expert);
  EXPECT_THAT(config.vision_layers, ElementsAre(5));
}

TEST(ModelConfig, LayerListsMayBeAListAStringOrOneNumber) {
  auto object = config_of("checkpoint-tiny");
  const auto layers_of = [&](const json& value) {
    object["mm_vision_select_layer"] = value;
    return parsed(object).vision_layers;
  };
  EXPECT_THAT(layers_of("[-6,-5,-3,-2]"), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(layers_of({-6, -5, -3, -2}), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(layers_of({1, 2, 4, 5}), ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(layers_of({0, -1}), ElementsAre(0, 6));
  EXPECT_THAT(layers_of(-2), ElementsAre(5));
  EXPECT_THAT(layers_of("-2"), ElementsAre(5));
}

TEST(ModelConfig, RefusesLayerListsThatNameNoStates) {
  const auto object = config_of("checkpoint-tiny");
  const auto error = [&](const json& value) { return error_with(object, "/mm_vision_select_layer", value); };
  const std::string key = "config.json: mm_vision_select_layer: expected ";
  EXPECT_EQ(error({-8}), key + "hidden states -7 to 6 of 6 blocks, got -8");
  EXPECT_EQ(error({7}), key + "hidden states -7 to 6 of 6 blocks, got 7");
  EXPECT_EQ(error({5, 2}), key + "layers in ascending order, each once, got [5,2]");
  EXPECT_EQ(error({2, -5}), key + "layers in ascending order, each once, got [2,-5]");
  EXPECT_EQ(error(json::array()), key + "a list of layer numbers, got []");
  EXPECT_EQ(error({1.5}), key + "a list of layer numbers, got [1.5]");
  EXPECT_EQ(error("[\"a\"]"), key + "a list of layer numbers, got [\"a\"]");
  EXPECT_THAT(error("[-6,"), StartsWith(key + "JSON, got "));
}

TEST(ModelConfig, RefusesValuesOfAnotherType) {
  const auto tiny = config_of("checkpoint-tiny"), hf = config_of("checkpoint-tiny-hf");
  EXPECT_EQ(error_with(tiny, "/hidden_size", "64"),
            "config.json: hidden_size: expected an integer, got \"64\"");
  EXPECT_EQ(error_with(tiny, "/rope_theta", "big"),
            "config.json: rope_theta: expected a number, got \"big\"");
  EXPECT_EQ(error_with(tiny, "/tie_word_embeddings", 1),
            "config.json: tie_word_embeddings: expected true or false, got 1");
  EXPECT_EQ(error_with(tiny, "/vision_config/patch_size", 14.5),
            "config.json: patch_size: expected an integer, got 14.5");
  EXPECT_EQ(error_with(tiny, "/vision_config", "so400m"),
            "config.json: vision_config: expected an object, got \"so400m\"");
  EXPECT_EQ(error_with(tiny, "/cc_expert_args", json::array({1, 2})),
            "config.json: cc_expert_args: expected an object, got [1,2]");
  EXPECT_EQ(error_with(tiny, "/mm_resampler_type", 3),
            "config.json: mm_resampler_type: expected a string, got 3");
  EXPECT_EQ(error_with(hf, "/text_config", 5), "config.json: text_config: expected an object, got 5");
  EXPECT_EQ(error_with(hf, "/vision_config", true),
            "config.json: vision_config: expected an object, got true");
  EXPECT_EQ(error_with(tiny, "/rope_scaling", {{"type", 4}}),
            "config.json: rope_scaling: expected no scaling (type default), got 4");
}

TEST(ModelConfig, RefusesWhatItDoesNotCompute) {
  const auto tiny = config_of("checkpoint-tiny"), hf = config_of("checkpoint-tiny-hf");
  EXPECT_EQ(error_with(tiny, "/mm_resampler_type", "perceiver"),
            "config.json: mm_resampler_type: expected cc_expert, or none, got perceiver");
  EXPECT_EQ(error_with(tiny, "/mm_projector_type", "linear"),
            "config.json: mm_projector_type: expected mlp2x_gelu, got linear");
  EXPECT_EQ(error_with(tiny, "/rope_scaling", {{"type", "yarn"}, {"factor", 4.0}}),
            "config.json: rope_scaling: expected no scaling (type default), got yarn");
  EXPECT_EQ(error_with(tiny, "/use_sliding_window", true),
            "config.json: use_sliding_window: expected false, got true");
  EXPECT_EQ(error_with(tiny, "/hidden_act", "gelu"),
            "config.json: decoder config: hidden_act: expected silu, got gelu");
  EXPECT_EQ(error_with(tiny, "/vision_config/hidden_act", "quick_gelu"),
            "config.json: vision config: hidden_act: expected gelu_pytorch_tanh, got quick_gelu");
  EXPECT_EQ(error_with(tiny, "/hidden_act", "swish"),
            "config.json: decoder config: hidden_act: expected silu, got swish");
  EXPECT_EQ(error_with(tiny, "/hidden_act", 5), "config.json: hidden_act: expected a string, got 5");
  EXPECT_EQ(error_with(tiny, "/cc_expert_args/downsample_ratio", 2),
            "config.json: cc_expert_args: downsample_ratio: expected 1, got 2");
  EXPECT_EQ(error_with(tiny, "/mm_use_im_start_end", true),
            "config.json: mm_use_im_start_end: expected false, got true");
  EXPECT_EQ(error_with(hf, "/projector_hidden_act", "relu"),
            "config.json: projector_hidden_act: expected gelu, got relu");
  EXPECT_EQ(error_with(hf, "/vision_feature_select_strategy", "default"),
            "config.json: vision_feature_select_strategy: expected full, got default");
}

TEST(ModelConfig, ReadsRotaryParametersOfNewerFilesAndRefusesTheirScaling) {
  auto object = config_of("checkpoint-tiny-hf");
  object["text_config"].erase("rope_theta");
  object["text_config"]["rope_parameters"] = {{"rope_theta", 5e5}, {"rope_type", "default"}};
  EXPECT_EQ(parsed(object).decoder.rope_theta, 5e5);
  EXPECT_EQ(error_with(object, "/text_config/rope_parameters/rope_type", "yarn"),
            "config.json: text_config: rope_parameters: expected no scaling (type default), got yarn");
}

TEST(ModelConfig, RefusesSizesThatFitNoModel) {
  const auto tiny = config_of("checkpoint-tiny");
  EXPECT_EQ(error_with(tiny, "/hidden_size", 0),
            "config.json: decoder config: hidden_size: expected 1 to 16777216, got 0");
  EXPECT_EQ(error_with(tiny, "/hidden_size", 60),
            "config.json: decoder config: hidden_size: expected an even multiple of num_attention_heads (4), "
            "got 60");
  EXPECT_EQ(error_with(tiny, "/num_key_value_heads", 3),
            "config.json: decoder config: num_key_value_heads: expected a divisor of num_attention_heads "
            "(4), got 3");
  EXPECT_EQ(error_with(tiny, "/vocab_size", int64_t{1} << 40),
            "config.json: decoder config: vocab_size: expected 1 to 16777216, got 1099511627776");
  EXPECT_EQ(error_with(tiny, "/num_hidden_layers", 16000000),
            "config.json: decoder config: num_hidden_layers: expected 1 to 1024, got 16000000");
  EXPECT_EQ(error_with(tiny, "/vision_config/patch_size", 85),
            "config.json: vision config: patch_size: expected at most image_size, got 85");
  EXPECT_EQ(
      error_with(tiny, "/vision_config/num_attention_heads", 3),
      "config.json: vision config: hidden_size: expected a multiple of num_attention_heads (3), got 128");
  EXPECT_EQ(error_with(tiny, "/vision_config/num_hidden_layers", std::numeric_limits<int64_t>::min()),
            "config.json: vision config: num_hidden_layers: expected 1 to 1024, got -9223372036854775808");
  EXPECT_EQ(error_with(tiny, "/cc_expert_args/per_expert_depth", -1),
            "config.json: cc_expert_args: per_expert_depth: expected 1 to 1024, got -1");
  EXPECT_EQ(error_with(tiny, "/cc_expert_args/embedding_dim", 256),
            "config.json: cc_expert_args: embedding_dim: expected the vision width 128, got 256");
  EXPECT_EQ(error_with(tiny, "/cc_expert_args/attention_upsample_rate", 3),
            "config.json: cc_expert_args: attention_upsample_rate: expected a divisor of 128 that leaves "
            "whole heads, got 3");
}

TEST(ModelConfig, RefusesEpsilonsAndBasesThatGiveNoNumbers) {
  const auto tiny = config_of("checkpoint-tiny");
  EXPECT_EQ(error_with(tiny, "/rope_theta", 0.0),
            "config.json: decoder config: rope_theta: expected above 0 and at most 1000000000000, got 0");
  EXPECT_EQ(error_with(tiny, "/rms_norm_eps", -1e-6),
            "config.json: decoder config: rms_norm_eps: expected above 0 and at most 1, got -1e-06");
  EXPECT_EQ(error_with(tiny, "/vision_config/layer_norm_eps", 0.0),
            "config.json: vision config: layer_norm_eps: expected above 0 and at most 1, got 0");
}

TEST(ModelConfig, AProgramsConfigIsCheckedAsAFileIs) {
  ModelConfig config;
  config.decoder.hidden_act = Activation::kRelu;
  EXPECT_EQ(test::error_of([&] { config.validate(); }),
            "decoder config: hidden_act: expected silu, got relu");
  config.vision.image_size = 16'385;
  EXPECT_EQ(test::error_of([&] { config.validate(); }),
            "vision config: image_size: expected 1 to 16384, got 16385");
}

TEST(ModelConfig, AVisionWidthBelowOneHeadHasNoDiffExpert) {
  auto object = config_of("checkpoint-tiny");
  object["vision_config"]["hidden_size"] = 64;
  object["cc_expert_args"]["embedding_dim"] = 64;
  EXPECT_EQ(test::error_of([&] { parsed(object); }),
            "config.json: cc_expert_args: embedding_dim: expected at least 128 (one attention head), got 64");
}

TEST(ModelConfig, RefusesTextThatIsNoObjectAndNamesItsSource) {
  EXPECT_EQ(test::error_of([] { parse_model_config("[1]", "a/config.json"); }),
            "a/config.json: expected a JSON object, got array");
  const auto text = test::error_of([] { parse_model_config("{\"hidden_size\": ", "a/config.json"); });
  EXPECT_THAT(text, StartsWith("a/config.json: expected JSON, got parse error"));
  EXPECT_THAT(text, HasSubstr("line 1, column 17"));
}

TEST(ModelConfig, UnknownKeysAndNullsAreLeftAlone) {
  auto object = config_of("checkpoint-tiny");
  object["use_cache"] = true;
  object["mm_newline_position"] = "one_token";
  object["vision_config"]["attention_dropout"] = 0.0;
  object["rope_scaling"] = nullptr;
  object["rms_norm_eps"] = nullptr;
  EXPECT_EQ(parsed(object).decoder.rms_norm_eps, 1e-6);
}

}  // namespace
}  // namespace ccexpert::model

// Tests of saved config.json files in the layouts of the authors, of lmms-lab and of transformers.
#include <gtest/gtest.h>

#include <ccexpert/model/config.h>

#include "core/files.h"
#include "core/json.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using nlohmann::json;

std::string text_of(const std::string& name) {
  return read_file(test::data_folder() / (name + ".json"));
}

json golden(const std::string& name) {
  return parse_json(text_of("configs/" + name), name);
}

ModelConfig tiny_config() {
  return parse_model_config(text_of("checkpoint-tiny/config"), "config.json");
}

/// Returns all sizes of a config as text.
std::string sizes(const ModelConfig& config) {
  return model_config_json(config);
}

/// The 0.5B base in each of the layouts published on hubs.
class PublishedBase : public ::testing::TestWithParam<const char*> {
 protected:
  const std::string text_ = text_of(std::string("configs/base-") + GetParam());
  ModelConfig config_ = parse_model_config(text_, GetParam());

  json saved(const std::string& as) const { return golden(as + "-from-" + GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Layouts, PublishedBase, ::testing::Values("lmms", "llava-hf"),
                         [](const auto& test) { return std::string(test.param) == "lmms" ? "lmms" : "hf"; });

TEST_P(PublishedBase, WithADiffExpertIsSavedForTheAuthorsCode) {
  config_.diff_expert = DiffExpertConfig{};
  config_.vision_layers = {17, 20, 23, 26};
  config_.image_newline = false;
  EXPECT_EQ(parse_json(model_config_json(config_, text_), "saved"), saved("ccexpert"));
}

TEST_P(PublishedBase, WithoutADiffExpertIsSavedAsALlavaOneVision) {
  EXPECT_EQ(parse_json(model_config_json(config_, text_), "saved"), saved("lmms"));
}

TEST_P(PublishedBase, IsSavedForTransformers) {
  EXPECT_EQ(parse_json(llava_hf_config_json(config_, {}, text_), "saved"), saved("llava-hf"));
}

TEST_P(PublishedBase, IsReadBackAsTheSameModel) {
  const auto same = [&](const std::string& text) {
    const auto read = parse_model_config(text, "saved");
    EXPECT_EQ(sizes(read), sizes(config_));
    EXPECT_TRUE(read.image_newline);
  };
  same(model_config_json(config_, text_));
  same(llava_hf_config_json(config_, {}, text_));
  same(llava_hf_config_json(config_, {}, model_config_json(config_, text_)));
}

TEST_P(PublishedBase, WithOtherPartsIsAnErrorThatNamesThem) {
  const auto error_with = [&](const json& change) {
    auto object = parse_json(text_, "config.json");
    object.merge_patch(change);
    return test::error_of([&] { parse_model_config(object.dump(), "c"); });
  };
  EXPECT_EQ(error_with({{"vision_config", {{"model_type", "clip_vision_model"}}}}),
            "c: vision_config: expected model_type siglip_vision_model or siglip, got clip_vision_model (no "
            "other vision tower or language model is supported)");
  EXPECT_EQ(error_with({{"vision_config", nullptr}, {"mm_vision_tower", "openai/CLIP-vit-large"}}),
            "c: mm_vision_tower: expected a SigLIP vision tower, got openai/CLIP-vit-large (docs/models.md "
            "lists the supported models)");
}

TEST(ModelConfigJson, OfAnotherDecoderInTheLlavaHfLayoutIsAnError) {
  auto object = golden("base-llava-hf");
  object["text_config"]["model_type"] = "llama";
  EXPECT_EQ(
      test::error_of([&] { parse_model_config(object.dump(), "c"); }),
      "c: text_config: expected model_type qwen2 or qwen3, got llama (no other vision tower or language "
      "model is supported)");
}

TEST(ModelConfigJson, IsReadBackAsTheSameModel) {
  auto config = tiny_config();
  EXPECT_EQ(sizes(parse_model_config(model_config_json(config), "written")), sizes(config));
  config.diff_expert.reset();
  config.vision_layers = {5};
  const auto base = parse_model_config(model_config_json(config), "written");
  EXPECT_FALSE(base.diff_expert.has_value());
  EXPECT_EQ(base.vision_layers, config.vision_layers);
}

TEST(ModelConfigJson, KeepsWhatSaysNothingOfSizes) {
  const auto written =
      parse_json(model_config_json(
                     tiny_config(),
                     R"({"torch_dtype": "bfloat16", "hidden_size": 7, "tokenizer_padding_side": "right"})"),
                 "written");
  EXPECT_EQ(written["torch_dtype"], "bfloat16");
  EXPECT_EQ(written["tokenizer_padding_side"], "right");
  EXPECT_EQ(written["hidden_size"], 64);
}

TEST(ModelConfigJson, KeepsThisProjectsKeysAndPaddingInEveryLayout) {
  auto config = tiny_config();
  config.diff_expert.reset();
  config.image_newline = true;
  const std::string original = R"({"ccexpert_anything": {"a": [1]}, "image_aspect_ratio": "pad"})";
  const auto hf = llava_hf_config_json(config, {.image = 500, .video = 501}, original);
  for (const auto& text : {model_config_json(config, original), hf, model_config_json(config, hf)}) {
    const auto written = parse_json(text, "written");
    EXPECT_EQ(written["ccexpert_anything"], json({{"a", {1}}}));
    EXPECT_EQ(written["image_aspect_ratio"], "pad");
  }
  EXPECT_EQ(parse_json(hf, "hf")["image_token_index"], 500);
}

ModelConfig qwen3_config() {
  auto config = tiny_config();
  config.decoder.attention_bias = false;
  config.decoder.qk_norm = true;
  config.decoder.head_dim = 24;
  return config;
}

TEST(Qwen3ConfigJson, IsReadBackAsTheSameModel) {
  auto config = qwen3_config();
  const auto same = [&](const std::string& text) {
    const auto read = parse_model_config(text, "written");
    EXPECT_TRUE(read.decoder.qk_norm);
    EXPECT_FALSE(read.decoder.attention_bias);
    EXPECT_EQ(read.decoder.head_width(), 24);
    EXPECT_EQ(sizes(read), sizes(config));
    return parse_json(text, "written");
  };
  EXPECT_EQ(same(model_config_json(config))["model_type"], "llava_qwen3_cc");
  config.diff_expert.reset();
  config.vision_layers = {5};
  EXPECT_EQ(same(model_config_json(config))["architectures"], json({"LlavaQwen3ForCausalLM"}));
  config.image_newline = true;
  const auto hf = same(llava_hf_config_json(config, {}));
  EXPECT_EQ(hf["text_config"]["model_type"], "qwen3");
  EXPECT_EQ(hf["text_config"]["head_dim"], 24);
}

TEST(Qwen3ConfigJson, StatesHeadsThatOtherSizesWouldGiveToo) {
  auto config = qwen3_config();
  config.decoder.head_dim = 0;
  EXPECT_EQ(parse_json(model_config_json(config), "written")["head_dim"], 16);
  EXPECT_FALSE(parse_json(model_config_json(tiny_config()), "written").contains("head_dim"));
}

TEST(Qwen3ConfigJson, IsRefusedWithHeadsThatCannotRotate) {
  auto config = parse_json(model_config_json(qwen3_config()), "written");
  const auto error_with = [&](const json& head_dim) {
    config["head_dim"] = head_dim;
    return test::error_of([&] { parse_model_config(config.dump(), "config.json"); });
  };
  EXPECT_EQ(error_with(7),
            "config.json: decoder config: head_dim: expected an even number of 2 to 4194304, got 7");
  EXPECT_EQ(error_with(0), "config.json: head_dim: expected above 0, got 0");
  EXPECT_EQ(error_with(-2),
            "config.json: decoder config: head_dim: expected an even number of 2 to 4194304, got -2");
  EXPECT_EQ(error_with(nullptr), "config.json: expected head_dim, got no such key");
}

TEST(LlavaHfConfigJson, RefusesWhatTransformersDoesNotCompute) {
  auto config = tiny_config();
  EXPECT_EQ(
      test::error_of([&] { llava_hf_config_json(config, {}); }),
      "llava-hf layout: expected a model without Diff Expert, got one with (transformers has no class for "
      "it)");
  config.diff_expert.reset();
  EXPECT_EQ(
      test::error_of([&] { llava_hf_config_json(config, {}); }),
      "llava-hf layout: expected a model with image_newline, got one without (transformers puts that vector "
      "after each image)");
  config.image_newline = true;
  config.vision_layers = {0};
  EXPECT_EQ(
      test::error_of([&] { llava_hf_config_json(config, {}); }),
      "llava-hf layout: expected features of a block of the vision transformer, got those before the first");
}

}  // namespace
}  // namespace ccexpert::model

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
}

}  // namespace
}  // namespace ccexpert::model

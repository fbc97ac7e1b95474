#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ccexpert/model/config.h>
#include <ccexpert/model/weights.h>

#include "core/files.h"
#include "core/json.h"
#include "support/golden.h"

namespace ccexpert {
namespace {

ModelConfig tiny_config() {
  const auto path = test::data_folder() / "checkpoint-tiny/config.json";
  return parse_model_config(read_file(path), path.string());
}

TEST(FreshWeights, AreFiniteAndTheSameForTheSameSeed) {
  CcexpertModel first(tiny_config()), same(tiny_config()), other(tiny_config());
  initialize_weights(first, {.seed = 1});
  initialize_weights(same, {.seed = 1});
  initialize_weights(other, {.seed = 2});
  bool differs = false;
  for (const auto& item : first.named_parameters()) {
    EXPECT_TRUE(at::isfinite(item.value()).all().item<bool>()) << item.key();
    EXPECT_TRUE(at::equal(item.value(), same.named_parameters()[item.key()])) << item.key();
    differs = differs || !at::equal(item.value(), other.named_parameters()[item.key()]);
  }
  EXPECT_TRUE(differs);
}

TEST(FreshWeights, NormsBeginAtOneAndBiasesAtZero) {
  CcexpertModel model(tiny_config());
  initialize_weights(model, {.seed = 1});
  const auto parameters = model.named_parameters();
  EXPECT_TRUE(at::equal(parameters["model.norm.weight"], at::ones({64})));
  EXPECT_EQ(parameters["model.mm_projector.0.bias"].abs().max().item<float>(), 0.0F);
  EXPECT_NEAR(parameters["model.embed_tokens.weight"].std().item<double>(), 0.02, 0.001);
}

TEST(FreshWeights, DeviationsAreChosen) {
  CcexpertModel model(tiny_config());
  initialize_weights(model, {.seed = 1, .deviation = 0.08, .flag_deviation = 0.5});
  const auto parameters = model.named_parameters();
  const auto deviation = [&](const char* name) { return parameters[name].std().item<double>(); };
  EXPECT_NEAR(deviation("model.embed_tokens.weight"), 0.08, 0.004);
  EXPECT_NEAR(deviation("model.vision_resampler.layers.0.mlp.lin1.weight"), 0.08, 0.004);
  EXPECT_NEAR(deviation("model.vision_resampler.layers.0.image_a_flag_embed.weight"), 0.5, 0.1);
}

/// Every size of a config, as text.
std::string sizes(const ModelConfig& config) {
  return model_config_json(config);
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

TEST(ModelConfigJson, OfAnotherLayoutIsWrittenInTheAuthors) {
  const auto path = test::data_folder() / "checkpoint-tiny-hf/config.json";
  const auto text = read_file(path);
  const auto config = parse_model_config(text, path.string());
  const auto written = model_config_json(config, text);
  EXPECT_FALSE(parse_json(written, "written").contains("text_config"));
  EXPECT_EQ(sizes(parse_model_config(written, "written")), sizes(config));
}

}  // namespace
}  // namespace ccexpert

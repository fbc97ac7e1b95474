#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ccexpert/model/config.h>
#include <ccexpert/model/weights.h>

#include "core/files.h"
#include "core/json.h"
#include "support/golden.h"

namespace ccexpert::model {
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

TEST(FreshWeights, AnImageNewlineIsDrawnAsInLlava) {
  auto config = tiny_config();
  config.diff_expert.reset();
  config.image_newline = true;
  CcexpertModel model(config);
  initialize_weights(model, {.seed = 1});
  EXPECT_NEAR(model.named_parameters()["model.image_newline"].std().item<double>(), 1.0 / 8.0, 0.03);
}

}  // namespace
}  // namespace ccexpert::model

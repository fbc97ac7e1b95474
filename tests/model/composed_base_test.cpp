// Bases composed of a vision tower and a language model, with towers of scripts/make_newer_goldens.py.
#include "model/shared/composed_base.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ccexpert/model/weights.h>

#include "model/composed_parts.h"
#include "support/errors.h"

namespace ccexpert::model {
namespace {

using nlohmann::json;
using test::close;
using test::error_of;
using ::testing::HasSubstr;

const auto kFolder = test::data_folder() / "newer";

using Parts = test::ComposedParts;

Parts parts(const char* vision, const char* decoder = "qwen3-untied") {
  return {kFolder / vision, kFolder / decoder};
}

/// Returns the parts with other values in one of their config.json files.
Parts with_vision(const json& patch, const char* vision = "siglip2") {
  auto changed = parts(vision);
  auto config = json::parse(changed.vision.config_json);
  config.merge_patch(patch);
  changed.vision.config_json = config.dump();
  return changed;
}
Parts with_decoder(const json& patch) {
  auto changed = parts("siglip2");
  auto config = json::parse(changed.decoder.config_json);
  config.merge_patch(patch);
  changed.decoder.config_json = config.dump();
  return changed;
}

std::shared_ptr<CcexpertModel> model_of(const ComposedBase& base) {
  return build_model(parse_model_config(base.config_json, "config.json"), *base.weights, {});
}

void expect_states(const std::vector<at::Tensor>& states, const io::TensorSource& golden,
                   const std::string& prefix) {
  ASSERT_EQ(states.size(), 4u);
  for (size_t i = 0; i < states.size(); ++i) {
    EXPECT_TRUE(close(states[i], golden.tensor(prefix + "hidden." + std::to_string(i))))
        << "hidden state " << i;
  }
}

TEST(ComposedBase, HasTheHiddenStatesOfSiglip2) {
  const auto golden = io::open_safetensors(kFolder / "siglip2" / "expected.safetensors");
  const auto base = parts("siglip2").compose();
  expect_states(test::tower_states(base, golden->tensor("pixels"), 3), *golden, "");
}

class NaflexGrid : public ::testing::TestWithParam<int64_t> {};

TEST_P(NaflexGrid, HasTheHiddenStatesOfTheReference) {
  const auto golden = io::open_safetensors(kFolder / "siglip2-naflex" / "expected.safetensors");
  const auto prefix = "grid" + std::to_string(GetParam()) + ".";
  const auto base = parts("siglip2-naflex").compose({.image_size = 4 * GetParam()});
  EXPECT_EQ(parse_model_config(base.config_json, "config.json").vision.grid(), GetParam());
  expect_states(test::tower_states(base, golden->tensor(prefix + "pixels"), 3), *golden, prefix);
}

// 4 is the grid of the stored positions: they are taken as they are, made denser, and averaged.
INSTANTIATE_TEST_SUITE_P(Grids, NaflexGrid, ::testing::Values(4, 6, 3));

TEST(ComposedBase, OfNaflexHasTheGridOfItsPositionsByDefault) {
  const auto base = parts("siglip2-naflex").compose();
  EXPECT_EQ(parse_model_config(base.config_json, "config.json").vision.image_size, 16);
}

TEST(ComposedBase, HasAFreshProjectorAndNoOtherNewWeights) {
  const auto model = model_of(parts("siglip2", "qwen3-tied").compose());
  EXPECT_FALSE(model->diff_expert());
  EXPECT_TRUE(model->decoder().tied());
  EXPECT_EQ(model->vision().depth(), 2) << "the features are the last hidden state but one";
  const auto values = model->named_parameters();
  EXPECT_EQ(values["model.mm_projector.0.bias"].abs().max().item<double>(), 0.0);
  EXPECT_NEAR(values["model.mm_projector.2.weight"].std().item<double>(), 0.02, 0.005);
  const auto again = model_of(parts("siglip2", "qwen3-tied").compose({.fresh = {.seed = 42}}));
  const auto other = model_of(parts("siglip2", "qwen3-tied").compose({.fresh = {.seed = 43}}));
  const auto* name = "model.mm_projector.0.weight";
  EXPECT_TRUE(at::equal(values[name], again->named_parameters()[name]));
  EXPECT_FALSE(at::equal(values[name], other->named_parameters()[name]));
}

TEST(ComposedBase, LeavesOutTheStoredHeadOfATiedModel) {
  auto untied = parts("siglip2"), tied = with_decoder({{"tie_word_embeddings", true}});
  EXPECT_FALSE(model_of(untied.compose())->decoder().tied());
  EXPECT_TRUE(model_of(tied.compose())->decoder().tied());
}

TEST(ComposedBase, NamesItsArchitectureAndKeepsKeysOfTheDecoder) {
  const auto qwen3 = json::parse(parts("siglip2").compose().config_json);
  EXPECT_EQ(qwen3["model_type"], "llava_qwen3");
  EXPECT_EQ(qwen3["architectures"], json({"LlavaQwen3ForCausalLM"}));
  EXPECT_EQ(qwen3["head_dim"], 8);
  EXPECT_EQ(qwen3["max_position_embeddings"], 128);
  EXPECT_EQ(qwen3["mm_vision_tower"], "siglip2");
  const auto qwen2 = json::parse(parts("siglip2", "qwen2.5").compose().config_json);
  EXPECT_EQ(qwen2["model_type"], "llava_qwen");
  EXPECT_FALSE(qwen2.contains("head_dim"));
}

TEST(ComposedBase, TakesTheDefaultsOfTransformersForSizesThatPublishedTowersLeaveOut) {
  auto changed = parts("siglip2");
  changed.vision.config_json = R"({"model_type": "siglip_vision_model", "image_size": 384})";
  const auto config = json::parse(changed.compose().config_json)["vision_config"];
  EXPECT_EQ(config["hidden_size"], 768);
  EXPECT_EQ(config["num_hidden_layers"], 12);
  EXPECT_EQ(config["patch_size"], 16);
  EXPECT_EQ(config["image_size"], 384);
}

TEST(ComposedBase, RefusesPartsThatItDoesNotKnow) {
  EXPECT_THAT(error_of([] {
                with_vision({{"model_type", "clip"}}).compose();
              }),
              HasSubstr("expected a vision tower of model_type siglip, siglip_vision_model, siglip2 or "
                        "siglip2_vision_model, got clip"));
  EXPECT_THAT(error_of([] {
                with_decoder({{"model_type", "gemma"}}).compose();
              }),
              HasSubstr("expected a language model of model_type qwen2 or qwen3, got gemma"));
  EXPECT_THAT(error_of([] {
                with_decoder({{"head_dim", nullptr}}).compose();
              }),
              HasSubstr("expected head_dim, got no such key"));
  EXPECT_THAT(error_of([] {
                with_decoder({{"attention_bias", true}}).compose();
              }),
              HasSubstr("attention_bias: expected false, got true"));
  EXPECT_THAT(error_of([] {
                with_vision({{"vision_config", {{"num_channels", 4}}}}).compose();
              }),
              HasSubstr("num_channels: expected 3, got 4"));
}

TEST(ComposedBase, RefusesAnImageSizeThatTheTowerCannotHave) {
  EXPECT_EQ(error_of([] { parts("siglip2").compose({.image_size = 32}); }),
            "image size: expected none, as the vision tower has 16 px, got 32");
  EXPECT_THAT(error_of([] { parts("siglip2-naflex").compose({.image_size = 18}); }),
              HasSubstr("image size: expected a multiple of the patch of 4 px, got 18"));
  EXPECT_THAT(error_of([] {
                with_vision({{"vision_config", {{"num_patches", 15}}}}, "siglip2-naflex").compose();
              }),
              HasSubstr("num_patches: expected a square number, got 15"));
  EXPECT_THAT(error_of([] {
                with_vision({{"vision_config", {{"num_patches", 25}}}}, "siglip2-naflex").compose();
              }),
              HasSubstr("position_embedding.weight: expected shape [25,16], got [16,16]"));
}

}  // namespace
}  // namespace ccexpert::model

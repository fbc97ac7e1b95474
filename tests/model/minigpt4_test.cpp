// EVA-CLIP, Q-Former and the whole of MiniGPT-4 against transformers' Blip2VisionModel, Blip2QFormerModel and
// LlamaForCausalLM.
#include "model/minigpt4.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/model/block_runner.h>
#include <ccexpert/model/part_cost.h>

#include "core/files.h"
#include "core/json.h"
#include "model/eva.h"
#include "model/golden_minigpt4.h"
#include "model/qformer.h"
#include "model/weight_names.h"
#include "support/errors.h"

namespace ccexpert::model {
namespace {

using test::close;
using test::kMiniGpt4;
using test::minigpt4_config;
using test::minigpt4_model;

at::Tensor golden(const std::string& name) {
  static const auto values = io::open_safetensors(kMiniGpt4 / "expected.safetensors");
  return values->tensor(name);
}

/// Loads one part of the model, whose names have `prefix`.
void load_part(torch::nn::Module& module, std::string_view prefix) {
  const auto all = test::minigpt4_weights();
  RenamedTensors part;
  for (const auto& info : all.tensors()) {
    if (info.name.starts_with(prefix))
      part.set(info.name.substr(prefix.size()), all.tensor(info.name), info.file);
  }
  load_weights(module, part);
}

/// The same weights with one and with four attention heads.
class MiniGpt4Golden : public ::testing::TestWithParam<int64_t> {
 protected:
  static at::Tensor of_heads(const std::string& name) {
    return golden(name + "." + std::to_string(GetParam()));
  }
  static at::Tensor hidden(int64_t state) {
    return golden("hidden." + std::to_string(GetParam()) + "." + std::to_string(state));
  }
};

TEST_P(MiniGpt4Golden, EveryHiddenStateOfTheTowerEqualsTheReference) {
  EvaVision vision(minigpt4_config(GetParam()).vision, {0, 1, 2}, {});
  load_part(vision, weight_names::kSiglip);
  const auto states = vision.forward(golden("pixels"));
  ASSERT_EQ(states.size(), 3u);
  for (int64_t i = 0; i < 3; ++i) EXPECT_TRUE(close(states[static_cast<size_t>(i)], hidden(i))) << i;
}

TEST_P(MiniGpt4Golden, NormQueriesAndTokensEqualTheReference) {
  QFormerConnector connector(*minigpt4_config(GetParam()).qformer, {88, 32}, {});
  load_part(connector, weight_names::kProjector);
  EXPECT_TRUE(close(connector.normed(hidden(2)), of_heads("normed")));
  EXPECT_TRUE(close(connector.queries(of_heads("normed")), of_heads("queries")));
  EXPECT_TRUE(close(connector.forward(hidden(2)), of_heads("tokens")));
}

INSTANTIATE_TEST_SUITE_P(Heads, MiniGpt4Golden, ::testing::Values(1, 4));

TEST(MiniGpt4, LogitsOfAPairEqualTheReference) {
  const auto model = minigpt4_model(minigpt4_config());
  const auto images = model->encode_images(golden("pixels"));
  EXPECT_TRUE(close(images.tokens, golden("tokens.1")));
  const auto expected = parse_json(read_file(kMiniGpt4 / "expected.json"), "expected.json");
  const auto prompt =
      model->splice({expected["prompt"].get<std::vector<int64_t>>()}, images.tokens).embeddings;
  EXPECT_TRUE(close(model->decoder().logits(model->decoder().forward(prompt))[0], golden("logits")));
}

TEST(MiniGpt4, AnImageHasAsManyTokensAsQueries) {
  EXPECT_EQ(minigpt4_config().image_tokens(), 4);
}

TEST(MiniGpt4, GradientCheckpointingChangesNoGradient) {
  const auto model = minigpt4_model(minigpt4_config());
  const auto gradients = [&](bool recompute) {
    model->set_recompute(recompute);
    model->zero_grad();
    model->encode_images(golden("pixels")).tokens.pow(2).sum().backward();
    std::map<std::string, at::Tensor> found;
    for (const auto& item : model->named_parameters()) {
      if (item.value().grad().defined()) found[item.key()] = item.value().grad().clone();
    }
    return found;
  };
  const auto plain = gradients(false), recomputed = gradients(true);
  const auto query = std::string(weight_names::kProjector) + "query_tokens";
  ASSERT_TRUE(plain.contains(query));
  ASSERT_EQ(plain.size(), recomputed.size());
  for (const auto& [name, gradient] : plain)
    EXPECT_TRUE(close(recomputed.at(name), gradient, {1e-6, 1e-5})) << name;
}

/// A model of random weights whose width allows a Diff Expert.
class MiniGpt4WithDiffExpert : public ::testing::Test {
 protected:
  MiniGpt4WithDiffExpert() {
    config_ = minigpt4_config();
    config_.vision.hidden_size = 128;
    config_.vision_layers = {1, 2};
    config_.diff_expert = {.per_expert_depth = 1, .embedding_dim = 128, .mlp_dim = 64};
    model_ = std::make_shared<CcexpertModel>(config_);
    initialize_weights(*model_, {.deviation = 0.1});
  }

  ModelConfig config_;
  std::shared_ptr<CcexpertModel> model_;
};

TEST_F(MiniGpt4WithDiffExpert, TheClassTokenPassesByIt) {
  const auto features = model_->vision_features(golden("pixels"));
  ASSERT_EQ(features.size(), 2u);
  ASSERT_EQ(features.back().size(1), 17);
  const auto images = model_->fuse(features);
  EXPECT_EQ(images.change.sizes(), (std::vector<int64_t>{1, 16, 128}));
  EXPECT_TRUE(images.tokens.select(1, 0).equal(features.back().select(1, 0)));
  EXPECT_FALSE(close(images.tokens.slice(1, 1), features.back().slice(1, 1)));
}

TEST_F(MiniGpt4WithDiffExpert, ItsChangeReachesTheTokens) {
  const auto features = model_->vision_features(golden("pixels"));
  auto other = features;
  other[0] = features[0].clone();
  other[0][1].slice(0, 1) += 0.5;  // patches of the later date, at the first depth
  const auto tokens = model_->project(model_->fuse(features).tokens);
  EXPECT_EQ(tokens.sizes(), (std::vector<int64_t>{2, 4, 32}));
  EXPECT_FALSE(close(model_->project(model_->fuse(other).tokens), tokens));
}

TEST_F(MiniGpt4WithDiffExpert, ConfigIsReadAsItIsWritten) {
  const auto text = model_config_json(config_);
  const auto read = parse_model_config(text, "config.json");
  EXPECT_EQ(read.architecture, "minigpt4");
  EXPECT_EQ(read.vision_layers, config_.vision_layers);
  EXPECT_EQ(read.qformer->num_hidden_layers, 2);
  EXPECT_FALSE(read.decoder.attention_bias);
  EXPECT_EQ(read.vision.tower, TowerKind::kEva);
  EXPECT_EQ(model_config_json(read), text);
}

TEST(MiniGpt4Config, NamesWhatIsMissingOrWrong) {
  const auto error_with = [](const char* pointer, const nlohmann::json& value) {
    auto object = parse_json(model_config_json(minigpt4_config()), "config.json");
    object[nlohmann::json::json_pointer(pointer)] = value;
    return test::error_of([&] { parse_model_config(object.dump(), "config.json"); });
  };
  EXPECT_EQ(error_with("/text_config", nullptr), "config.json: expected text_config, got no such key");
  EXPECT_EQ(error_with("/vision_config", nullptr), "config.json: expected vision_config, got no such key");
  EXPECT_EQ(
      error_with("/qformer_config/num_attention_heads", 3),
      "config.json: qformer_config: hidden_size: expected a multiple of num_attention_heads (3), got 64");
  EXPECT_EQ(error_with("/qformer_config/hidden_act", "silu"),
            "config.json: qformer_config: hidden_act: expected gelu, got silu");
  EXPECT_EQ(error_with("/qformer_config/num_query_tokens", 0),
            "config.json: qformer_config: num_query_tokens: expected 1 to 16384, got 0");
  EXPECT_EQ(
      test::error_of([] { llava_hf_config_json(minigpt4_config(), {}); }),
      "llava-hf layout: expected a model whose projector is an MLP, got one with a Q-Former (transformers "
      "has no class for it)");
}

TEST(MiniGpt4Config, HasNoUsualSizes) {
  const auto error_with = [](const char* part, const char* key) {
    auto object = parse_json(model_config_json(minigpt4_config()), "config.json");
    if (key != nullptr) {
      object[part].erase(key);
    } else {
      object[part] = nlohmann::json::object();
    }
    return test::error_of([&] { parse_model_config(object.dump(), "config.json"); });
  };
  EXPECT_EQ(error_with("vision_config", nullptr),
            "config.json: vision_config: expected hidden_size, intermediate_size, num_hidden_layers, "
            "num_attention_heads, image_size, patch_size, got no such keys");
  EXPECT_EQ(error_with("qformer_config", nullptr),
            "config.json: qformer_config: expected num_query_tokens, hidden_size, intermediate_size, "
            "num_hidden_layers, num_attention_heads, cross_attention_frequency, got no such keys");
  EXPECT_EQ(error_with("qformer_config", "cross_attention_frequency"),
            "config.json: qformer_config: expected cross_attention_frequency, got no such key");
  EXPECT_EQ(error_with("text_config", "intermediate_size"),
            "config.json: text_config: expected intermediate_size, got no such key");
  EXPECT_EQ(error_with("text_config", "num_key_value_heads"),
            "config.json: text_config: expected num_key_value_heads, got no such key");
}

TEST(MiniGpt4, AnotherImageSizeKeepsTheClassTokensPosition) {
  auto config = minigpt4_config();
  config.vision.image_size = 24;
  const auto source = test::minigpt4_weights();
  const auto model = build_model(config, source, {.resize_positions = true});
  const auto name = std::string(weight_names::kPositions);
  const auto stored = source.tensor(name), resized = model->named_parameters()[name];
  ASSERT_EQ(resized.size(0), 37);
  EXPECT_TRUE(resized[0].equal(stored[0].to(at::kFloat)));
  const auto plane = stored.slice(0, 1).to(at::kFloat).t().reshape({1, 88, 4, 4});
  const auto wider = at::upsample_bicubic2d(plane, {6, 6}, false).reshape({88, 36}).t();
  EXPECT_TRUE(close(resized.slice(0, 1), wider));
  EXPECT_EQ(model->encode_images(at::zeros({2, 3, 24, 24})).tokens.size(1), 4);
}

TEST(MiniGpt4, CostCountsQueriesAndReadingLayers) {
  const auto config = minigpt4_config();
  const auto costs = part_costs(config, {.pairs = 1, .tokens = 20});
  ASSERT_EQ(costs.size(), 3u);
  // Two images of 17 tokens: patches, then two blocks with 17 keys.
  const double block = 4.0 * 88 * 88 + 2.0 * 88 * 40 + 2.0 * 17 * 88;
  EXPECT_EQ(costs[0].multiply_adds, 2.0 * (16 * 3 * 16 * 88 + 2 * 17 * block));
  // Two images of four queries: two layers, of which the first reads 17 features, then the projection.
  const double layer = 4.0 * 64 * 64 + 2.0 * 64 * 32 + 2.0 * 4 * 64;
  const double reading = 4 * (2.0 * 64 * 64 + 2.0 * 17 * 64) + 17 * 2.0 * 88 * 64;
  EXPECT_EQ(costs[1].multiply_adds, 2.0 * (2 * 4 * layer + reading + 4 * 64 * 32));
}

}  // namespace
}  // namespace ccexpert::model

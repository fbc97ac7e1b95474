// LLaVA-1.5 in both layouts against transformers; the goldens are from scripts/make_llava15_goldens.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ccexpert/model/weight_layouts.h>
#include <ccexpert/model/weights.h>

#include "core/files.h"
#include "core/json.h"
#include "model/clip.h"
#include "model/tiny_checkpoint.h"
#include "model/weight_names.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::model {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::close;

const auto kFolder = test::data_folder() / "llava15";

const io::TensorSource& golden() {
  static const auto tensors = io::open_safetensors(kFolder / "expected.safetensors");
  return *tensors;
}

const json& expected() {
  static const json values = parse_json(read_file(kFolder / "expected.json"), "expected.json");
  return values;
}

std::vector<int64_t> prompt_ids() {
  return expected()["ids"].get<std::vector<int64_t>>();
}

/// Returns the logits of the prompt [T,V], each image as its tokens.
at::Tensor prompt_logits(const CcexpertModel& model) {
  const auto images = model.encode_images(golden().tensor("pixels"));
  const auto prompt = model.splice({prompt_ids()}, images.tokens);
  return model.decoder().logits(model.decoder().forward(prompt.embeddings))[0];
}

std::vector<int64_t> greedy_ids(const CcexpertModel& model, int64_t count) {
  const auto images = model.encode_images(golden().tensor("pixels"));
  const auto prompt = model.splice({prompt_ids()}, images.tokens);
  KvCache cache(model.config().decoder.num_hidden_layers, prompt.embeddings.size(1) + count);
  auto next = prompt.embeddings;
  std::vector<int64_t> ids;
  while (std::ssize(ids) < count) {
    const auto hidden = model.decoder().forward(next, &cache);
    ids.push_back(model.decoder().logits(hidden[0][-1]).argmax().item<int64_t>());
    next = model.decoder().embed(at::tensor({ids.back()}, at::kLong).unsqueeze(0));
  }
  return ids;
}

void expect_golden(const CcexpertModel& model) {
  EXPECT_TRUE(close(model.encode_images(golden().tensor("pixels")).tokens, golden().tensor("image_tokens")));
  EXPECT_TRUE(close(prompt_logits(model).slice(0, -8), golden().tensor("logits")));
  EXPECT_EQ(greedy_ids(model, std::ssize(expected()["generated"])),
            expected()["generated"].get<std::vector<int64_t>>());
}

class Llava15 : public ::testing::Test {
 protected:
  io::Checkpoint hf_ = open_model_checkpoint(kFolder);
  ModelConfig config_ = test::config_of(hf_);
  at::NoGradGuard no_grad_;
};

TEST_F(Llava15, EveryHiddenStateOfTheTowerEqualsTransformers) {
  ClipVision tower(config_.vision, {0, 1, 2, 3, 4}, {});
  test::MemorySource weights(*hf_.weights, [](const std::string&) { return false; });
  for (const auto& info : hf_.weights->tensors()) {
    if (info.name.starts_with(weight_names::kSiglip))
      weights.set(info.name.substr(weight_names::kSiglip.size()), hf_.weights->tensor(info.name));
  }
  load_weights(tower, weights, {.may_be_unused = [](auto name) { return name.starts_with("post_"); }});
  const auto states = tower.hidden_states(golden().tensor("pixels"));
  ASSERT_EQ(states.size(), 5U);
  for (size_t i = 0; i < states.size(); ++i)
    EXPECT_TRUE(close(states[i], golden().tensor("hidden." + std::to_string(i)))) << "hidden state " << i;
  const auto features = tower.forward(golden().tensor("pixels"));
  EXPECT_TRUE(at::equal(features[3], states[3].slice(1, 1)));
}

TEST_F(Llava15, TheDecoderAloneEqualsTransformers) {
  const auto model = test::build(hf_);
  const auto ids = golden().tensor("text.ids").to(at::kLong).unsqueeze(0);
  const auto hidden = model->decoder().forward(model->decoder().embed(ids));
  EXPECT_TRUE(close(model->decoder().logits(hidden)[0], golden().tensor("text.logits")));
}

TEST_F(Llava15, TheLlavaHfLayoutEqualsTransformers) {
  EXPECT_EQ(hf_.layout, &llava_hf_layout());
  EXPECT_EQ(config_.architecture, "llava");
  EXPECT_EQ(config_.vision_layers, std::vector<int64_t>{3});
  EXPECT_EQ(config_.image_tokens(), 16);
  expect_golden(*test::build(hf_));
}

/// The golden model in the authors' layout, whose tower lies in a folder of its own.
class AuthorsLlava15 : public Llava15 {
 protected:
  AuthorsLlava15() {
    auto config = json::parse(model_config_json(config_));
    config.update({{"architectures", {"LlavaLlamaForCausalLM"}},
                   {"model_type", "llava"},
                   {"mm_vision_tower", "openai/small-clip"}});
    std::vector<io::NamedTensor> model;
    for (const auto& info : hf_.weights->tensors()) {
      const auto tensor = hf_.weights->tensor(info.name);
      if (info.name.starts_with(weight_names::kSiglip))
        tower_.push_back({"vision_model." + info.name.substr(weight_names::kSiglip.size()), tensor});
      else
        model.push_back({info.name, tensor});
    }
    tower_.push_back({"text_model.embeddings.token_embedding.weight", at::zeros({2, 2})});
    io::write_checkpoint(
        {.folder = folder_ / "model", .config_json = config.dump(), .tensors = model, .companions = {}});
  }
  void write_tower(const std::string& folder) {
    io::write_checkpoint(
        {.folder = folder_ / folder,
         .config_json = R"({"model_type": "clip", "text_config": {"model_type": "clip_text_model"}})",
         .tensors = tower_,
         .companions = {}});
  }
  test::TemporaryFolder folder_;
  std::vector<io::NamedTensor> tower_;
};

TEST_F(AuthorsLlava15, WithATowerBesideItEqualsTransformers) {
  write_tower("small-clip");
  const auto checkpoint = open_model_checkpoint(folder_ / "model");
  EXPECT_EQ(test::config_of(checkpoint).architecture, "llava_llama");
  expect_golden(*test::build(checkpoint));
}

TEST_F(AuthorsLlava15, FindsItsTowerInItsOwnFolderAndAmongCachedOnes) {
  for (const char* place : {"model/small-clip", "openai/small-clip", "models--openai--small-clip"}) {
    write_tower(place);
    const auto model = test::build(open_model_checkpoint(folder_ / "model"));
    EXPECT_TRUE(at::equal(prompt_logits(*model), prompt_logits(*test::build(hf_)))) << place;
    fs::remove_all(folder_ / place);
  }
}

TEST_F(AuthorsLlava15, WithoutSizesOfItsTowerTakesThoseInTheTowersFolder) {
  auto config = json::parse(read_file(folder_ / "model/config.json"));
  const auto sizes = config["vision_config"];
  config.erase("vision_config");
  folder_.write("model/config.json", config.dump());
  write_tower("small-clip");
  folder_.write("small-clip/config.json", json{{"model_type", "clip"}, {"vision_config", sizes}}.dump());
  const auto checkpoint = open_model_checkpoint(folder_ / "model");
  EXPECT_EQ(checkpoint.tower_folder, folder_ / "small-clip");
  expect_golden(*test::build(checkpoint));
  auto alone = sizes;
  alone["model_type"] = "clip_vision_model";
  folder_.write("small-clip/config.json", alone.dump());
  expect_golden(*test::build(open_model_checkpoint(folder_ / "model")));
  alone["hidden_act"] = "gelu";
  folder_.write("small-clip/config.json", alone.dump());
  EXPECT_EQ(test::config_of(open_model_checkpoint(folder_ / "model")).vision.hidden_act, Activation::kGelu);
}

TEST_F(AuthorsLlava15, NamesNoTowerElsewhere) {
  write_tower("elsewhere/small-clip");
  auto config = json::parse(read_file(folder_ / "model/config.json"));
  for (const auto& name :
       {(folder_ / "elsewhere/small-clip").string(), std::string("../elsewhere/small-clip"),
        std::string("../elsewhere/small-clip/."), std::string("elsewhere/../elsewhere/small-clip")}) {
    config["mm_vision_tower"] = name;
    folder_.write("model/config.json", config.dump());
    EXPECT_THAT(test::error_of([&] { open_model_checkpoint(folder_ / "model"); }),
                ::testing::HasSubstr("got " + name + " in neither"));
  }
  // A path of the machine that trained it is the folder of that name here.
  config["mm_vision_tower"] = (folder_ / "elsewhere/small-clip").string();
  folder_.write("model/config.json", config.dump());
  write_tower("small-clip");
  EXPECT_EQ(open_model_checkpoint(folder_ / "model").tower_folder, folder_ / "small-clip");
}

TEST_F(AuthorsLlava15, WithoutItsTowerIsAnErrorThatSaysWhereToPutIt) {
  EXPECT_EQ(test::error_of([&] { open_model_checkpoint(folder_ / "model"); }),
            (folder_ / "model").string() +
                "/config.json: mm_vision_tower: expected the tower's weights in the checkpoint or beside its "
                "folder, "
                "got openai/small-clip in neither (put its folder there as " +
                (folder_ / "small-clip").string() + ")");
}

TEST_F(Llava15, IsWrittenInTheAuthorsLayout) {
  EXPECT_EQ(parse_model_config(model_config_json(config_, hf_.config_json), "config.json").vision.tower,
            TowerKind::kClip);
  const auto written = json::parse(model_config_json(config_, hf_.config_json));
  EXPECT_EQ(written["architectures"], json({"LlavaLlamaForCausalLM"}));
  EXPECT_EQ(written["mm_vision_tower"], "openai/clip-vit-large-patch14-336");
  EXPECT_EQ(written["image_aspect_ratio"], "pad");
  EXPECT_EQ(written["mm_vision_select_layer"], -2);
  auto with = config_;
  with.vision.hidden_size = 128;
  with.diff_expert = DiffExpertConfig{.embedding_dim = 128, .mlp_dim = 512};
  const auto again = parse_model_config(model_config_json(with), "config.json");
  EXPECT_EQ(again.architecture, "llava_llama_cc");
  EXPECT_TRUE(again.diff_expert.has_value());
  EXPECT_EQ(
      test::error_of([&] { llava_hf_config_json(config_, {}); }),
      "llava-hf layout: expected a LLaVA-OneVision model, got LLaVA-1.5 (this program writes LLaVA-1.5 only "
      "in the layout lmms)");
}

TEST(Llava15Config, OfPublishedFilesHasTheSizesOfThe7B) {
  // The keys that liuhaotian/llava-v1.5-7b and llava-hf/llava-1.5-7b-hf state.
  const auto authors = parse_model_config(
      R"({"architectures": ["LlavaLlamaForCausalLM"], "model_type": "llava", "hidden_act": "silu",
          "hidden_size": 4096, "image_aspect_ratio": "pad", "intermediate_size": 11008, "mm_hidden_size": 1024,
          "mm_projector_type": "mlp2x_gelu", "mm_resampler_type": null, "mm_use_im_start_end": false,
          "mm_vision_select_feature": "patch", "mm_vision_select_layer": -2,
          "mm_vision_tower": "openai/clip-vit-large-patch14-336", "num_attention_heads": 32,
          "num_hidden_layers": 32, "num_key_value_heads": 32, "rms_norm_eps": 1e-05, "rope_scaling": null,
          "tie_word_embeddings": false, "vocab_size": 32000})",
      "config.json");
  const auto hf = parse_model_config(
      R"({"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava", "image_token_index": 32000,
          "projector_hidden_act": "gelu", "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
          "text_config": {"model_type": "llama", "max_position_embeddings": 4096, "rms_norm_eps": 1e-05,
                          "vocab_size": 32064},
          "vision_config": {"hidden_size": 1024, "image_size": 336, "intermediate_size": 4096,
                            "model_type": "clip_vision_model", "num_attention_heads": 16,
                            "num_hidden_layers": 24, "patch_size": 14, "projection_dim": 768}})",
      "config.json");
  for (const auto& config : {authors, hf}) {
    EXPECT_EQ(config.image_tokens(), 576);
    EXPECT_EQ(config.vision_layers, std::vector<int64_t>{23});
    EXPECT_EQ(config.vision.layer_norm_eps, 1e-5);
    EXPECT_EQ(config.vision.hidden_act, Activation::kQuickGelu);
    EXPECT_EQ(config.decoder.rms_norm_eps, 1e-5);
    EXPECT_EQ(config.decoder.rope_theta, 1e4);
    EXPECT_FALSE(config.decoder.attention_bias);
    CcexpertModel model(config, at::TensorOptions().device(at::kMeta));
    int64_t parameters = 0;
    for (const auto& parameter : model.parameters()) parameters += parameter.numel();
    // 23 of CLIP's 24 blocks, the projector and Vicuna.
    EXPECT_EQ(parameters / 1'000'000, 7050);
  }
  EXPECT_EQ(hf.decoder.vocab_size, 32'064);
}

TEST(Llava15Config, OfOtherPartsIsAnErrorThatNamesThem) {
  const auto error = [](const char* key, const json& value) {
    auto config = json::parse(read_file(kFolder / "config.json"));
    config[json::json_pointer(key)] = value;
    return test::error_of([&] { parse_model_config(config.dump(), "c"); });
  };
  EXPECT_EQ(error("/text_config/model_type", "qwen2"),
            "c: text_config: model_type: expected llama, got qwen2");
  EXPECT_EQ(error("/vision_config/model_type", "siglip_vision_model"),
            "c: vision_config: model_type: expected clip_vision_model, got siglip_vision_model");
  EXPECT_EQ(error("/vision_feature_select_strategy", "full"),
            "c: vision_feature_select_strategy: expected default, got full");
  EXPECT_EQ(error("/vision_config/hidden_act", "gelu_pytorch_tanh"),
            "c: vision config: hidden_act: expected quick_gelu or gelu, got gelu_pytorch_tanh");
  EXPECT_EQ(error("/text_config/attention_bias", true),
            "c: text_config: attention_bias: expected false, got true");
  EXPECT_EQ(error("/text_config/head_dim", 0), "c: text_config: head_dim: expected above 0, got 0");
}

TEST(Llava15Config, OfLlava16IsAnErrorAndNotTakenForIt) {
  // liuhaotian/llava-v1.6-vicuna-7b has the same names and shapes.
  const auto error = [](const json& merge) {
    auto config =
        json::parse(model_config_json(parse_model_config(read_file(kFolder / "config.json"), "config.json")));
    config.update({{"model_type", "llava_llama"}, {"mm_patch_merge_type", merge}});
    return test::error_of([&] { parse_model_config(config.dump(), "c"); });
  };
  EXPECT_EQ(error("spatial_unpad"), "c: mm_patch_merge_type: expected flat, got spatial_unpad");
  EXPECT_EQ(error("flat"), "no error");
  EXPECT_EQ(error(nullptr), "no error");
}

TEST_F(Llava15, PositionsFollowAnotherImageSizeAndKeepTheClassToken) {
  auto larger = config_;
  larger.vision.image_size = 42;
  const auto model = build_model(larger, *hf_.weights, {.resize_positions = true});
  const auto positions = model->named_parameters()[std::string(weight_names::kPositions)];
  EXPECT_EQ(positions.size(0), 37);
  const auto stored = hf_.weights->tensor(std::string(weight_names::kPositions)).to(at::kFloat);
  EXPECT_TRUE(at::equal(positions[0], stored[0]));
  EXPECT_FALSE(at::equal(positions[1], stored[1]));
}

TEST_F(Llava15, FreshWeightsGiveTheClassTokenValues) {
  CcexpertModel model(config_);
  initialize_weights(model, {});
  const auto token = model.named_parameters()[std::string(weight_names::kClassEmbedding)];
  EXPECT_NE(token[0].item<float>(), 1.0F);
  EXPECT_NE(token[0].item<float>(), token[1].item<float>());
}

}  // namespace
}  // namespace ccexpert::model

// merge_minigpt4: one folder from the files of MiniGPT-4's parts.
#include "model/shared/minigpt4_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/io/safetensors.h>

#include "core/files.h"
#include "core/json.h"
#include "model/golden_minigpt4.h"
#include "model/tiny_checkpoint.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::model {
namespace {

namespace fs = std::filesystem;
using test::kMiniGpt4;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class MergeMiniGpt4 : public ::testing::Test {
 protected:
  MiniGpt4Files files(const char* out = "merged") const {
    return {.vision = kMiniGpt4 / "eva_vit_g.pth",
            .qformer = kMiniGpt4 / "blip2.pth",
            .projection = kMiniGpt4 / "minigpt4.pth",
            .decoder = kMiniGpt4 / "vicuna",
            .out = folder_ / out,
            .blocks = test::kMiniGpt4Blocks};
  }
  static std::string error_of(const MiniGpt4Files& files) {
    return test::error_of([&] { merge_minigpt4(files); });
  }
  /// Copies Vicuna's folder with a changed config.json.
  fs::path decoder_with(const char* key, const nlohmann::json& value) const {
    const auto copy = folder_ / "decoder";
    fs::copy(kMiniGpt4 / "vicuna", copy);
    auto config = parse_json(read_file(copy / "config.json"), "config.json");
    config[key] = value;
    folder_.write("decoder/config.json", config.dump());
    return copy;
  }

  test::TemporaryFolder folder_;
};

TEST_F(MergeMiniGpt4, GivesACheckpointOfTheGoldenModel) {
  const auto merged = merge_minigpt4(files());
  EXPECT_EQ(merged.image_size, 16);  // of whole patches
  EXPECT_EQ(merged.image_tokens, 4);
  const auto checkpoint = open_model_checkpoint(folder_ / "merged");
  EXPECT_EQ(std::ssize(checkpoint.weights->tensors()), merged.tensors);
  const auto config = test::config_of(checkpoint);
  EXPECT_EQ(config.architecture, "minigpt4");
  EXPECT_EQ(config.vision_layers, std::vector<int64_t>{2});
  EXPECT_EQ(config.decoder.rope_theta, 10000.0);
  EXPECT_EQ(config.decoder.num_key_value_heads, 2);
  const auto model = build_model(config, *checkpoint.weights, {});
  const auto expected = io::open_safetensors(kMiniGpt4 / "expected.safetensors");
  EXPECT_TRUE(
      test::close(model->encode_images(expected->tensor("pixels")).tokens, expected->tensor("tokens.1")));
}

TEST_F(MergeMiniGpt4, WritesBlip2sProcessorAndTheDecodersTokenizer) {
  merge_minigpt4(files());
  const auto processor = parse_json(read_file(folder_ / "merged/preprocessor_config.json"), "processor");
  EXPECT_EQ(processor["size"]["height"], 16);
  EXPECT_EQ(processor["image_mean"][0], 0.48145466);
  EXPECT_EQ(read_file(folder_ / "merged/tokenizer.model"), read_file(kMiniGpt4 / "vicuna/tokenizer.model"));
  EXPECT_FALSE(fs::exists(folder_ / "merged/generation_config.json"));
}

TEST_F(MergeMiniGpt4, ReadsTransformersNames) {
  merge_minigpt4(files());
  // The same weights under the names of Blip2ForConditionalGeneration, in one folder.
  std::vector<io::NamedTensor> tensors;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    tensors.push_back({name, tensor});
  };
  const auto eva = io::open_weights(kMiniGpt4 / "eva_vit_g.pth");
  add("vision_model.embeddings.class_embedding", eva->tensor("cls_token"));
  add("vision_model.embeddings.position_embedding", eva->tensor("pos_embed"));
  for (const std::string part : {"weight", "bias"}) {
    add("vision_model.embeddings.patch_embedding." + part, eva->tensor("patch_embed.proj." + part));
    for (int i = 0; i < test::kMiniGpt4Blocks; ++i) {
      const auto from = "blocks." + std::to_string(i) + ".";
      const auto to = "vision_model.encoder.layers." + std::to_string(i) + ".";
      add(to + "layer_norm1." + part, eva->tensor(from + "norm1." + part));
      add(to + "layer_norm2." + part, eva->tensor(from + "norm2." + part));
      add(to + "self_attn.projection." + part, eva->tensor(from + "attn.proj." + part));
      add(to + "mlp.fc1." + part, eva->tensor(from + "mlp.fc1." + part));
      add(to + "mlp.fc2." + part, eva->tensor(from + "mlp.fc2." + part));
      const auto q = eva->tensor(from + "attn.q_bias"), v = eva->tensor(from + "attn.v_bias");
      add(to + "self_attn.qkv." + part,
          part == "weight" ? eva->tensor(from + "attn.qkv.weight") : at::cat({q, at::zeros_like(q), v}));
    }
  }
  const auto qformer = io::open_weights(kMiniGpt4 / "blip2.pth", "model");
  for (const auto& info : qformer->tensors()) {
    auto name = info.name;
    const auto replace = [&](const std::string& from, const std::string& to) {
      if (const auto at = name.find(from); at != std::string::npos) name.replace(at, from.size(), to);
    };
    if (name.starts_with("t5_proj") || name.ends_with("position_ids")) continue;
    replace("ln_vision.", "vision_model.post_layernorm.");
    replace("Qformer.bert.embeddings.LayerNorm.", "qformer.layernorm.");
    replace("Qformer.bert.", "qformer.");
    replace("attention.self.", "attention.attention.");
    add(name, qformer->tensor(info.name));
  }
  io::write_safetensors(folder_.write("blip2/model.safetensors", ""), tensors);
  folder_.write("blip2/config.json", R"({"vision_config": {"num_attention_heads": 4, "image_size": 18},
                                         "qformer_config": {"num_attention_heads": 2}})");
  auto other = files("other");
  other.vision = other.qformer = folder_ / "blip2";
  merge_minigpt4(other);
  EXPECT_EQ(read_file(folder_ / "other/model.safetensors"), read_file(folder_ / "merged/model.safetensors"));
  const auto config = test::config_of(open_model_checkpoint(folder_ / "other"));
  EXPECT_EQ(config.vision.num_attention_heads, 4);
  EXPECT_EQ(config.vision.image_size, 18);
  EXPECT_EQ(config.qformer->num_attention_heads, 2);
}

TEST_F(MergeMiniGpt4, TrainedQueriesBesideTheProjectionReplaceBlip2s) {
  std::vector<io::NamedTensor> tensors;
  const auto own = io::open_weights(kMiniGpt4 / "minigpt4.pth", "model");
  for (const auto& info : own->tensors()) tensors.push_back({info.name, own->tensor(info.name)});
  tensors.push_back({"query_tokens", at::full({1, 4, 64}, 0.25)});
  auto trained = files();
  trained.projection = folder_.write("trained.safetensors", "");
  io::write_safetensors(trained.projection, tensors);
  merge_minigpt4(trained);
  const auto queries = open_model_checkpoint(trained.out).weights->tensor("model.mm_projector.query_tokens");
  EXPECT_TRUE(queries.eq(0.25).all().item<bool>());
}

TEST_F(MergeMiniGpt4, NamesTheFileThatLacksItsPart) {
  auto swapped = files();
  swapped.vision = kMiniGpt4 / "minigpt4.pth";
  EXPECT_THAT(error_of(swapped), AllOf(StartsWith(swapped.vision.string()), HasSubstr("patch_embedding")));
  swapped = files();
  swapped.qformer = kMiniGpt4 / "eva_vit_g.pth";
  EXPECT_THAT(error_of(swapped), AllOf(StartsWith(swapped.qformer.string()), HasSubstr("query_tokens")));
  swapped = files();
  swapped.projection = kMiniGpt4 / "blip2.pth";
  EXPECT_THAT(error_of(swapped), AllOf(StartsWith(swapped.projection.string()), HasSubstr("llama_proj")));
  EXPECT_FALSE(fs::exists(swapped.out));
}

TEST_F(MergeMiniGpt4, RefusesAnotherDecoder) {
  auto other = files();
  other.decoder = decoder_with("model_type", "opt");
  EXPECT_EQ(error_of(other),
            (other.decoder / "config.json").string() + ": model_type: expected llama, as of Vicuna, got opt");
}

TEST_F(MergeMiniGpt4, RefusesPartsThatDoNotFit) {
  auto other = files();
  other.decoder = decoder_with("hidden_size", 48);
  EXPECT_THAT(error_of(other), HasSubstr("tensors do not fit the model"));
  EXPECT_FALSE(fs::exists(other.out));
}

TEST_F(MergeMiniGpt4, RefusesATowerOfDamagedShapes) {
  const auto eva = io::open_weights(kMiniGpt4 / "eva_vit_g.pth");
  const auto error_with = [&](const std::string& name, const at::Tensor& tensor) {
    std::vector<io::NamedTensor> tensors;
    for (const auto& info : eva->tensors())
      tensors.push_back({info.name, info.name == name ? tensor : eva->tensor(info.name)});
    auto damaged = files();
    damaged.vision = folder_.write("damaged.safetensors", "");
    io::write_safetensors(damaged.vision, tensors);
    return error_of(damaged);
  };
  for (const int64_t positions : {0, 1, 4}) {
    EXPECT_EQ(error_with("pos_embed", at::zeros({positions, 88})),
              (folder_ / "damaged.safetensors").string() +
                  ": position embedding: expected a class token and a square grid, got " +
                  std::to_string(positions) + " positions");
  }
  EXPECT_THAT(error_with("blocks.1.attn.qkv.weight", at::zeros({})),
              AllOf(HasSubstr("tensors do not fit the model"), HasSubstr("missing: "),
                    HasSubstr("layers.1.self_attn.k_proj.weight")));
  EXPECT_FALSE(fs::exists(folder_ / "merged"));
}

TEST_F(MergeMiniGpt4, KeepsAnExistingCheckpoint) {
  merge_minigpt4(files());
  EXPECT_EQ(error_of(files()), (folder_ / "merged").string() +
                                   ": expected a new folder, got a checkpoint (name " +
                                   "another folder or remove it)");
}

}  // namespace
}  // namespace ccexpert::model

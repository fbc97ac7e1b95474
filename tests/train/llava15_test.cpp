// Training on a random LLaVA-1.5, with and without a Diff Expert.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/captioner.h>
#include <ccexpert/model/weight_layouts.h>

#include "core/files.h"
#include "core/json.h"
#include "support/errors.h"
#include "train/run_folder.h"
#include "train/run_model.h"
#include "train/shared/export.h"
#include "train/tiny_run.h"
#include "train/trainer.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

/// Returns config.json of a base whose tower is wide enough for a Diff Expert.
nlohmann::json base_config() {
  return {{"architectures", {"LlavaLlamaForCausalLM"}},
          {"model_type", "llava"},
          {"vocab_size", 642},
          {"hidden_size", 32},
          {"intermediate_size", 64},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 4},
          {"rms_norm_eps", 1e-5},
          {"image_aspect_ratio", "pad"},
          {"mm_projector_type", "mlp2x_gelu"},
          {"mm_vision_select_layer", -2},
          {"mm_vision_tower", "openai/clip-vit-large-patch14-336"},
          {"vision_config",
           {{"hidden_size", 128},
            {"intermediate_size", 128},
            {"num_hidden_layers", 5},
            {"num_attention_heads", 2},
            {"image_size", 28},
            {"patch_size", 7},
            {"model_type", "clip_vision_model"}}}};
}

class Llava15Training : public ::testing::Test {
 protected:
  Llava15Training() : pairs_(test::write_pairs(folder_, 5)) {
    model::CcexpertModel model(model::parse_model_config(base_config().dump(), "config.json"));
    model::initialize_weights(model, {});
    std::vector<io::NamedTensor> tensors;
    for (const auto& item : model.named_parameters()) tensors.push_back({item.key(), item.value().detach()});
    io::write_checkpoint({.folder = folder_ / "base",
                          .config_json = base_config().dump(),
                          .tensors = tensors,
                          .companions = io::read_companions(test::data_folder() / "llama_tokenizer")});
  }

  TrainConfig config(bool diff_expert) const {
    auto config = test::tiny_config(folder_, pairs_);
    config.model.start = (folder_ / "base").string();
    config.model.diff_expert = diff_expert;
    if (diff_expert) config.model.vision_layers = {-4, -3, -2};
    config.data.labels = text::LabelStyle::kCaptionOnly;
    return config;
  }

  /// Trains, exports, and returns the caption of a pair by the exported model.
  Caption trained(bool diff_expert) {
    const auto outcome = train(config(diff_expert), *distributed::single_process(), at::kCPU, {});
    EXPECT_EQ(outcome.caption_losses.size(), 6U);
    EXPECT_LT(outcome.caption_losses.back(), outcome.caption_losses.front());
    export_model({.from = RunFolder(folder_ / "run").checkpoint(6), .to = folder_ / "exported"});
    const auto captioner = Captioner::load(folder_ / "exported", {.device = "cpu"});
    EXPECT_EQ(captioner.has_diff_expert(), diff_expert);
    const image::Image before{30, 40, std::vector<uint8_t>(3600, 90)},
        after{30, 40, std::vector<uint8_t>(3600, 200)};
    return captioner.caption(before.view(), after.view());
  }

  test::TemporaryFolder folder_;
  fs::path pairs_;
};

TEST_F(Llava15Training, WithADiffExpertEndsInAModelThatCaptions) {
  EXPECT_FALSE(trained(true).token_ids.empty());
  const auto saved = nlohmann::json::parse(read_file(folder_ / "exported/config.json"));
  EXPECT_EQ(saved["model_type"], "llava_llama_cc");
  EXPECT_EQ(saved["cc_expert_args"]["embedding_dim"], 128);
  EXPECT_EQ(saved["image_aspect_ratio"], "pad");
  EXPECT_TRUE(fs::exists(folder_ / "exported/tokenizer.model"));
}

TEST_F(Llava15Training, WithoutADiffExpertEndsInAModelThatCaptions) {
  EXPECT_FALSE(trained(false).token_ids.empty());
  const auto saved = nlohmann::json::parse(read_file(folder_ / "exported/config.json"));
  EXPECT_EQ(saved["architectures"], nlohmann::json({"LlavaLlamaForCausalLM"}));
}

TEST_F(Llava15Training, TheDiffExpertReadsWidthAndGridOfTheTower) {
  const auto run = start_run_model(config(true), at::kCPU);
  EXPECT_EQ(run.model->config().diff_expert->embedding_dim, 128);
  EXPECT_THAT(run.model->config().vision_layers, ElementsAre(2, 3, 4));
  const at::NoGradGuard no_grad;
  const auto images = run.model->encode_images(at::randn({2, 3, 28, 28}));
  EXPECT_EQ(images.tokens.sizes(), (std::vector<int64_t>{2, 16, 32}));
  EXPECT_EQ(images.change.sizes(), (std::vector<int64_t>{1, 16, 128}));
}

TEST_F(Llava15Training, IsNotSavedForTransformers) {
  EXPECT_EQ(test::error_of([&] {
              export_model(
                  {.from = folder_ / "base", .to = folder_ / "hf", .layout = io::CheckpointLayout::kLlavaHf});
            }),
            "llava-hf layout: expected a LLaVA-OneVision model, got LLaVA-1.5 (this program writes LLaVA-1.5 "
            "only in the layout lmms)");
}

}  // namespace
}  // namespace ccexpert::train

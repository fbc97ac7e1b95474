// One LLaVA-OneVision base in the lmms-lab and the llava-hf layout: training gives the same result.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "core/json.h"
#include "support/errors.h"
#include "train/run_folder.h"
#include "train/run_model.h"
#include "train/shared/export.h"
#include "train/tiny_base.h"
#include "train/tiny_run.h"
#include "train/trainer.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ElementsAre;

json llava_hf_config() {
  return {{"architectures", {"LlavaOnevisionForConditionalGeneration"}},
          {"model_type", "llava_onevision"},
          {"text_config", test::decoder_keys()},
          {"vision_config", test::vision_keys(5)},
          {"vision_aspect_ratio", "anyres_max_9"},
          {"vision_feature_layer", -1}};
}

class BaseLayouts : public ::testing::Test {
 protected:
  BaseLayouts() : pairs_(test::write_pairs(folder_, 5)) {
    for (const bool lmms : {true, false}) {
      io::write_checkpoint({.folder = folder_ / (lmms ? "lmms" : "llava-hf"),
                            .config_json = (lmms ? test::lmms_config() : llava_hf_config()).dump(),
                            .tensors = test::base_tensors(),
                            .companions = io::read_companions(test::tiny_folder()),
                            .layout = lmms ? nullptr : &model::llava_hf_layout()});
    }
  }

  /// Runs ten steps on the base in `start`'s layout and saves.
  TrainConfig config(const std::string& start, bool diff_expert = true) const {
    auto config = test::tiny_config(folder_, pairs_);
    config.output = (folder_ / ("run-" + start)).string();
    config.model.start = (folder_ / start).string();
    config.model.diff_expert = diff_expert;
    if (diff_expert) config.model.vision_layers = {-6, -5, -3, -2};
    config.batch.max_steps = 10;
    config.checkpoint.every_steps = 10;
    return config;
  }
  TrainOutcome train(const TrainConfig& config) {
    return train::train(config, *distributed::single_process(), at::kCPU, {});
  }
  fs::path saved(const std::string& start) const {
    return RunFolder(folder_ / ("run-" + start)).checkpoint(10);
  }
  void expect_same_run(bool diff_expert) {
    const auto lmms = train(config("lmms", diff_expert)), hf = train(config("llava-hf", diff_expert));
    ASSERT_EQ(lmms.caption_losses.size(), 10U);
    EXPECT_EQ(lmms.caption_losses, hf.caption_losses);
    for (const char* file :
         {"model.safetensors", "config.json", "preprocessor_config.json", "tokenizer.json"}) {
      EXPECT_TRUE(read_file(saved("lmms") / file) == read_file(saved("llava-hf") / file)) << file;
    }
  }

  test::TemporaryFolder folder_;
  fs::path pairs_;
};

TEST_F(BaseLayouts, GiveAFreshDiffExpertTheSameFeatures) {
  const at::NoGradGuard no_grad;
  const auto lmms = start_run_model(config("lmms"), at::kCPU),
             hf = start_run_model(config("llava-hf"), at::kCPU);
  EXPECT_THAT(lmms.model->config().vision_layers, ElementsAre(1, 2, 4, 5));
  EXPECT_THAT(hf.model->config().vision_layers, ElementsAre(1, 2, 4, 5));
  const auto pixels = test::tiny_batch({0, 1}).pixels;
  const auto expected = lmms.model->vision_features(pixels), actual = hf.model->vision_features(pixels);
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(at::equal(actual[i], expected[i])) << i;
  EXPECT_EQ(json::parse(hf.config_json)["mm_vision_select_layer"], "[-6,-5,-3,-2]");
  EXPECT_EQ(hf.config_json, lmms.config_json);
}

TEST_F(BaseLayouts, TheResidualOfAFreshDiffExpertIsWhatTheProjectorKnows) {
  const at::NoGradGuard no_grad;
  const auto pixels = test::tiny_batch({0}).pixels;
  for (const char* layout : {"lmms", "llava-hf"}) {
    const auto base = start_run_model(config(layout, false), at::kCPU);
    const auto with = start_run_model(config(layout), at::kCPU);
    EXPECT_TRUE(
        at::equal(with.model->vision_features(pixels).back(), base.model->vision_features(pixels).back()))
        << layout;
  }
}

TEST_F(BaseLayouts, TrainTheSameWithADiffExpert) {
  expect_same_run(true);
  EXPECT_EQ(json::parse(read_file(saved("llava-hf") / "config.json"))["mm_patch_merge_type"], "flat");
}

TEST_F(BaseLayouts, TrainTheSameWithoutADiffExpert) {
  expect_same_run(false);
  const auto config = json::parse(read_file(saved("llava-hf") / "config.json"));
  EXPECT_EQ(config["model_type"], "llava_qwen");
  EXPECT_EQ(config["mm_vision_select_layer"], -2);
  EXPECT_EQ(config["mm_patch_merge_type"], "spatial_unpad");
  const auto saved_base = io::open_checkpoint(saved("llava-hf"));
  EXPECT_NE(saved_base.weights->find("model.image_newline"), nullptr);
  EXPECT_FALSE(model::tensors_for_others(*saved_base.weights, at::kFloat).empty());
}

TEST_F(BaseLayouts, ABaseWithoutImageNewlineHasNoneToLeaveOut) {
  auto base = test::lmms_config();
  base["mm_patch_merge_type"] = "flat";
  folder_.write("flat/config.json", base.dump());
  auto flat = config("flat", false);
  const auto refusal = [&] { return test::error_of([&] { run_model_config(flat); }); };
  EXPECT_EQ(refusal(), "no error");
  flat.model.image_newline = false;
  EXPECT_EQ(refusal(), "model.image_newline: expected true, as the start has no image newline, got false");
}

TEST_F(BaseLayouts, WithoutImageNewlineTheBaselineIsTheAuthors) {
  auto flat = config("llava-hf", false);
  flat.model.image_newline = false;
  const auto run = start_run_model(flat, at::kCPU);
  EXPECT_EQ(run.model->config().image_tokens(), 36);
  EXPECT_EQ(json::parse(run.config_json)["mm_patch_merge_type"], "flat");
  EXPECT_FALSE(run.model->named_parameters().contains("model.image_newline"));
}

TEST_F(BaseLayouts, ARunThatSavesForTransformersGoesOnFromWhatItSaved) {
  const auto whole = train(config("lmms", false));
  auto cut = config("llava-hf", false);
  cut.checkpoint.layout = io::CheckpointLayout::kLlavaHf;
  cut.checkpoint.every_steps = 4;
  train(cut);
  const RunFolder run(cut.output);
  const auto end = read_file(run.checkpoint(10) / "model.safetensors");
  fs::remove_all(run.checkpoint(10));
  fs::remove(run.finished());
  EXPECT_THAT(train(cut).caption_losses, ElementsAre(whole.caption_losses[8], whole.caption_losses[9]));
  EXPECT_TRUE(read_file(run.checkpoint(10) / "model.safetensors") == end);
  EXPECT_EQ(model::open_model_checkpoint(run.checkpoint(10)).layout, &model::llava_hf_layout());
}

TEST_F(BaseLayouts, ExportWritesEitherLayoutWithTheSameWeights) {
  const auto start = (folder_ / "llava-hf").string();
  export_model({.from = start, .to = folder_ / "as-lmms", .dtype = Precision::kFloat32});
  export_model({.from = folder_ / "as-lmms",
                .to = folder_ / "as-hf",
                .dtype = Precision::kFloat32,
                .layout = io::CheckpointLayout::kLlavaHf});
  EXPECT_EQ(io::open_safetensors(folder_ / "as-hf/model.safetensors")->find("image_newline")->dtype,
            at::kFloat);
  const auto original = start_run_model(config("llava-hf", false), at::kCPU);
  for (const char* name : {"as-lmms", "as-hf"}) {
    auto again = config("lmms", false);
    again.model.start = (folder_ / name).string();
    const auto run = start_run_model(again, at::kCPU);
    EXPECT_TRUE(test::same_weights(test::weights_of(*run.model), test::weights_of(*original.model))) << name;
    EXPECT_EQ(json::parse(read_file(folder_ / name / "config.json"))["torch_dtype"], "float32");
  }
}

TEST_F(BaseLayouts, ForTransformersTheTokenizerAndProcessorKnowImages) {
  export_model({.from = folder_ / "lmms", .to = folder_ / "hf", .layout = io::CheckpointLayout::kLlavaHf});
  const auto read = [&](const char* name) { return json::parse(read_file(folder_ / "hf" / name)); };
  EXPECT_EQ(read("config.json")["image_token_index"], 483);
  EXPECT_EQ(read("config.json")["video_token_index"], 484);
  EXPECT_EQ(read("tokenizer.json")["added_tokens"].back()["content"], "<video>");
  EXPECT_EQ(read("added_tokens.json")["<image>"], 483);
  EXPECT_EQ(read("tokenizer_config.json")["added_tokens_decoder"]["483"]["content"], "<image>");
  EXPECT_EQ(read("processor_config.json")["num_image_tokens"], 36);
  EXPECT_EQ(read("preprocessor_config.json")["size"], json({{"height", 84}, {"width", 84}}));
  EXPECT_TRUE(fs::exists(folder_ / "hf/video_preprocessor_config.json"));
  export_model({.from = folder_ / "hf", .to = folder_ / "back"});
  EXPECT_FALSE(fs::exists(folder_ / "back/processor_config.json"));
}

TEST_F(BaseLayouts, ATokenizerModelAloneIsCopiedButNotExtendedForTransformers) {
  const auto base = folder_ / "lmms";
  for (const char* file : {"tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"})
    fs::remove(base / file);
  folder_.write("lmms/tokenizer.model", "pieces");
  export_model({.from = base, .to = folder_ / "copy"});
  EXPECT_EQ(read_file(folder_ / "copy/tokenizer.model"), "pieces");
  EXPECT_EQ(
      test::error_of([&] {
        export_model({.from = base, .to = folder_ / "hf", .layout = io::CheckpointLayout::kLlavaHf});
      }),
      "llava-hf layout: expected tokenizer.json or vocab.json, which get <image> and <video>, got neither "
      "(save the tokenizer with save_pretrained() of transformers, which writes tokenizer.json)");
}

TEST_F(BaseLayouts, AModelWithADiffExpertIsNotSavedForTransformers) {
  EXPECT_EQ(
      test::error_of([&] {
        export_model(
            {.from = test::tiny_folder(), .to = folder_ / "hf", .layout = io::CheckpointLayout::kLlavaHf});
      }),
      "llava-hf layout: expected a model without Diff Expert, got one with (transformers has no class for "
      "it)");
}

}  // namespace
}  // namespace ccexpert::train

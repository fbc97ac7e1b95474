// Model of a run: config, Diff Expert, question, saved texts.
#include "train/run_model.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/captioner.h>
#include <ccexpert/text/prompt.h>

#include "core/files.h"
#include "generate/shared/checkpoint_texts.h"
#include "support/errors.h"
#include "train/evaluation.h"
#include "train/shared/plan.h"
#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

TEST(ParameterCount, EqualsWhatTrainsWhereEverythingTrains) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  const auto without_heads = parameter_count(start_run_model(config, at::kCPU));
  config.loss.mask = 1.0;
  auto run = start_run_model(config, at::kCPU);
  int64_t trains = 0;
  for (const auto& parameter : trainable_parameters(run, config)) trains += parameter.tensor.numel();
  EXPECT_EQ(parameter_count(run), trains);
  EXPECT_GT(trains, without_heads);
}

TEST(DiffExpertKeys, MustBeThoseOfAStartThatHasOne) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  const auto start = start_run_model(config, at::kCPU);
  const auto& model = start.model->config();
  const auto refusal = [&] { return test::error_of([&] { start_run_model(config, at::kCPU); }); };
  std::vector<int64_t> layers;
  for (const int64_t layer : model.vision_layers)
    layers.push_back(layer - model.vision.num_hidden_layers - 1);
  const int64_t depth = model.diff_expert->per_expert_depth;
  config.model.vision_layers = layers;
  config.model.per_expert_depth = depth;
  EXPECT_EQ(refusal(), "no error");
  config.model.per_expert_depth = depth + 1;
  EXPECT_EQ(refusal(),
            fmt::format("model.per_expert_depth: expected {}, as the checkpoint's Diff Expert has, got {} "
                        "(another Diff Expert needs a start without one)",
                        depth, depth + 1));
  config.model.per_expert_depth = 0;
  config.model.vision_layers.pop_back();
  EXPECT_EQ(refusal(),
            fmt::format("model.vision_layers: expected [{}], which the checkpoint's Diff Expert reads, got "
                        "[{}] (another Diff Expert needs a start without one)",
                        fmt::join(layers, ", "), fmt::join(config.model.vision_layers, ", ")));
}

TEST(Deviations, HaveAnEffectOnlyWhereWeightsAreDrawn) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  config.model.init_std = 0.5;
  EXPECT_EQ(test::error_of([&] { start_run_model(config, at::kCPU); }),
            "model.init_std: expected 0.02, as the start has all weights, got 0.5");
  config.model.fresh = true;
  EXPECT_EQ(test::error_of([&] { start_run_model(config, at::kCPU); }), "no error");
  // A resumed run that drew them before is not refused.
  config.model.fresh = false;
  EXPECT_EQ(test::error_of([&] {
              const auto checkpoint = config.model.start;
              config.model.start = "elsewhere";
              resume_run_model(checkpoint, config, at::kCPU);
            }),
            "no error");
}

/// Makes a hub's cache folder with the small checkpoint as its only snapshot.
std::filesystem::path cached(const test::TemporaryFolder& folder) {
  const auto cache = folder / "models--a--b";
  std::filesystem::create_directories(cache / "snapshots");
  std::filesystem::copy(test::tiny_folder(), cache / "snapshots/abc",
                        std::filesystem::copy_options::recursive);
  folder.write("models--a--b/refs/main", "abc\n");
  return cache;
}

TEST(CacheFolder, IsAStartLikeItsSnapshot) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  config.model.start = cached(folder).string();
  EXPECT_EQ(start_run_model(config, at::kCPU).folder, folder / "models--a--b/snapshots/abc");
  EXPECT_EQ(plan_of(config, 1).parts.size(), 4U);
  config.model.init_std = 0.5;
  EXPECT_EQ(test::error_of([&] { start_run_model(config, at::kCPU); }),
            "model.init_std: expected 0.02, as the start has all weights, got 0.5");
  config.model.fresh = true;
  EXPECT_EQ(test::error_of([&] { start_run_model(config, at::kCPU); }), "no error");
}

TEST(Tokenizer, OfMoreTokensThanTheModelHasIsRefused) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  const auto start = folder / "start";
  std::filesystem::copy(config.model.start, start);
  auto sizes = nlohmann::json::parse(read_file(start / "config.json"));
  sizes["vocab_size"] = 400;
  write_file(start / "config.json", sizes.dump());
  config.model.start = start;
  config.model.fresh = true;  // weights of that size, too
  EXPECT_EQ(test::error_of([&] { start_run_model(config, at::kCPU); }),
            start.string() +
                ": expected a tokenizer of at most 400 tokens, got 483 (tokenizer and model do "
                "not belong together)");
}

TEST(ImageSize, OfARunIsThatOfItsModelAndOfWhatItSaves) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  config.model.image_size = 98;
  const auto run = start_run_model(config, at::kCPU);
  EXPECT_EQ(run.model->config().vision.image_size, 98);
  EXPECT_EQ(run.preprocess.size, 98);
  std::vector<io::NamedTensor> tensors;
  for (const auto& item : run.model->named_parameters())
    tensors.push_back({item.key(), item.value().detach()});
  io::write_checkpoint({.folder = folder / "saved",
                        .config_json = run.config_json,
                        .tensors = tensors,
                        .companions = run.companions});
  config.model.image_size = 0;
  config.model.start = (folder / "saved").string();
  const auto saved = start_run_model(config, at::kCPU);
  EXPECT_EQ(saved.preprocess.size, 98);
  EXPECT_TRUE(test::same_weights(test::weights_of(*saved.model), test::weights_of(*run.model)));
}

/// Makes a start folder with changed texts of the small checkpoint.
std::filesystem::path start_with(const test::TemporaryFolder& folder, std::string_view question,
                                 std::string_view generation) {
  std::filesystem::copy(test::tiny_folder(), folder / "start", std::filesystem::copy_options::recursive);
  if (!question.empty()) {
    folder.write("start/config.json",
                 generate::with_trained_question(read_file(folder / "start/config.json"), question));
  }
  folder.write("start/generation_config.json", std::string(generation));
  return folder / "start";
}

TEST(Question, IsTheConfigsElseTheStartsElseTheReferences) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  const auto question = [&] {
    const auto run = start_run_model(config, at::kCPU);
    EXPECT_EQ(generate::trained_question(run.config_json, "config.json"), run.question)
        << "it travels with the model";
    return run.question;
  };
  EXPECT_EQ(question(), text::kReferenceQuestion);
  config.model.start = start_with(folder, "Say what is new.", "{}").string();
  EXPECT_EQ(question(), "Say what is new.");
  config.data.prompt_style = text::PromptStyle::kPaper;
  EXPECT_EQ(question(), text::kPaperQuestion);
  config.data.prompt_style = text::PromptStyle::kUnset;
  config.data.question = "From <image1> to <image2>?";
  EXPECT_EQ(question(), "From <image1> to <image2>?");
}

TEST(GenerationConfig, OfTheStartHoldsInEvaluationAndTravelsOn) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 2));
  constexpr auto kFile = R"({"repetition_penalty": 1.2, "eos_token_id": 198, "temperature": 0.7})";
  config.model.start = start_with(folder, "", kFile).string();
  const auto alone = distributed::single_process();
  const auto run = start_run_model(config, at::kCPU);
  EXPECT_EQ(to_text(Evaluator(run, config, *alone).decoding()),
            "greedy, at most 64 tokens, repetition penalty 1.2, ends at 198");
  config.evaluation.generation.repetition_penalty = 1.0;
  EXPECT_EQ(Evaluator(run, config, *alone).decoding().repetition_penalty, 1.0);
  const auto file = std::find_if(run.companions.begin(), run.companions.end(), [](const auto& companion) {
    return companion.name == "generation_config.json";
  });
  ASSERT_NE(file, run.companions.end());
  EXPECT_EQ(file->bytes, kFile);
}

TEST(LoadedModel, OfARunIsThatOfTheCaptioner) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  config.model.start = start_with(folder, "Say what is new.", R"({"repetition_penalty": 1.2})").string();
  const auto run = start_run_model(config, at::kCPU);
  const auto captioner = Captioner::load(config.model.start, {.device = "cpu"});
  EXPECT_EQ(run.question, captioner.question());
  EXPECT_EQ(run.question, "Say what is new.");
  EXPECT_EQ(run.decoding({}).repetition_penalty, 1.2);
  EXPECT_EQ(to_text(run.decoding({})), to_text(captioner.decoding()));
}

TEST(GenerationConfig, ThatCannotBeFollowedEndsTheRunAtItsStart) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 2));
  config.model.start = start_with(folder, "", R"({"no_repeat_ngram_size": 2})").string();
  EXPECT_THAT(test::error_of([&] { start_run_model(config, at::kCPU); }),
              ::testing::HasSubstr("start/generation_config.json: no_repeat_ngram_size not supported"));
}

TEST(ImageSize, BelowOnePatchIsAnError) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  config.model.image_size = 13;
  EXPECT_EQ(test::error_of([&] { start_run_model(config, at::kCPU); }),
            "model.image_size: expected at least a patch of 14 px, got 13");
}

}  // namespace
}  // namespace ccexpert::train

// What belongs to a run's model.
#include "train/run_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/text/prompt.h>

#include "core/files.h"
#include "generate/trained_question.h"
#include "support/errors.h"
#include "train/evaluation.h"
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

/// A start folder with the texts of the small checkpoint, changed.
std::filesystem::path start_with(const test::TemporaryFolder& folder, std::string_view question,
                                 std::string_view generation) {
  std::filesystem::copy(test::tiny_folder(), folder / "start", std::filesystem::copy_options::recursive);
  if (!question.empty()) {
    folder.write("start/config.json",
                 with_trained_question(read_file(folder / "start/config.json"), question));
  }
  folder.write("start/generation_config.json", std::string(generation));
  return folder / "start";
}

TEST(Question, IsTheConfigsElseTheStartsElseTheReferences) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  const auto question = [&] {
    const auto run = start_run_model(config, at::kCPU);
    EXPECT_EQ(trained_question(run.config_json, "config.json"), run.question) << "it travels with the model";
    return run.question;
  };
  EXPECT_EQ(question(), text::kReferenceQuestion);
  config.model.start = start_with(folder, "Say what is new.", "{}").string();
  EXPECT_EQ(question(), "Say what is new.");
  config.data.prompt_style = "paper";
  EXPECT_EQ(question(), text::kPaperQuestion);
  config.data.prompt_style = "";
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
            "greedy, at most 4 tokens, repetition penalty 1.2, ends at 198");
  config.evaluation.generation.repetition_penalty = 1.0;
  EXPECT_EQ(Evaluator(run, config, *alone).decoding().repetition_penalty, 1.0);
  const auto file = std::find_if(run.companions.begin(), run.companions.end(), [](const auto& companion) {
    return companion.name == "generation_config.json";
  });
  ASSERT_NE(file, run.companions.end());
  EXPECT_EQ(file->bytes, kFile);
}

TEST(GenerationConfig, ThatCannotBeFollowedEndsTheRunAtItsStart) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 2));
  config.model.start = start_with(folder, "", R"({"no_repeat_ngram_size": 2})").string();
  const auto run = start_run_model(config, at::kCPU);
  EXPECT_THAT(test::error_of([&] { Evaluator(run, config, *distributed::single_process()); }),
              ::testing::HasSubstr("start/generation_config.json: no_repeat_ngram_size not implemented"));
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

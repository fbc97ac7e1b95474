// Runs that continue with another config, another data set or another folder.
#include <gmock/gmock.h>

#include "support/errors.h"
#include "train/trainer_fixture.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

TEST_F(TrainerTest, AnotherMetricLooksForTheBestAnew) {
  auto config = named("run");
  test::evaluate_on(config, test::write_pairs(folder_, 3, "validation.json"));
  config.batch.max_steps = 2;
  train(config);
  config.batch.max_steps = 4;
  config.evaluation.every_epoch = false;
  config.evaluation.metric = Metric::kChangeAccuracy;
  train(config);
  std::vector<std::string> notes;
  for (const auto& line : log_of("run", "note")) notes.push_back(line.at("text"));
  EXPECT_THAT(notes, ::testing::Contains(
                         "the search for the best checkpoint starts again: its metric was loss and is now "
                         "change_accuracy"));
  const auto evaluations = log_of("run", "evaluation");
  EXPECT_EQ(evaluations.back().at("metric"), "change_accuracy");
  EXPECT_EQ(evaluations.back().at("step"), 4);
  EXPECT_TRUE(evaluations.back().at("best").get<bool>());
  EXPECT_EQ(RunFolder(config.output).best_step(), 4);
}

TEST_F(TrainerTest, WhatWasLeftOutIsCountedOverARestart) {
  fs::remove(folder_ / "pairs.json-3-after.png");
  config_.data.unreadable = Unreadable::kSkip;
  whole();
  train(named("cut"));
  fs::remove_all(RunFolder(named("cut").output).checkpoint(6));
  train(named("cut"));
  const auto expected = log_of("whole", "step"), steps = log_of("cut", "step");
  ASSERT_EQ(steps.size(), expected.size());
  EXPECT_GT(expected[3].at("skipped_samples"), 0.0);
  for (size_t i = 0; i < steps.size(); ++i)
    EXPECT_EQ(steps[i].at("skipped_samples"), expected[i].at("skipped_samples")) << i;
}

TEST_F(TrainerTest, ChangesThatAResumedRunDoesNotReadAreNoted) {
  auto config = named("run");
  train(config);
  config.model.start = (folder_ / "none").string();
  config.model.init_std = 0.5;
  train(config);
  EXPECT_EQ(log_of("run", "note").back().at("text"),
            fmt::format("no effect, as the run is resumed after step 6: model.init_std from '0.02' to '0.5', "
                        "model.start from '{}' to '{}'",
                        test::tiny_folder().string(), config.model.start));
}

TEST_F(TrainerTest, AnotherOrderOfSamplesIsRefused) {
  const auto refusal = [&](const std::function<void(TrainConfig&)>& change) {
    auto config = named("run");
    change(config);
    return test::error_of([&] { train(config); });
  };
  train(named("run"));
  const auto began = "as the run in " + (folder_ / "run").string() + " began, got ";
  const std::string hint = " (another value needs another output)";
  EXPECT_EQ(refusal([](auto& config) { config.seed = 7; }), "seed: expected '42', " + began + "'7'" + hint);
  EXPECT_EQ(refusal([](auto& config) { config.batch.global = 8; }),
            "batch.global: expected '4', " + began + "'8'" + hint);
  EXPECT_THAT(refusal([](auto& config) { config.data.train = "other.json"; }),
              HasSubstr("data.train: expected '"));
  EXPECT_THAT(refusal([](auto& config) { config.data.captions = CaptionChoice::kRandomChoice; }),
              HasSubstr("data.captions: expected 'flatten', "));
  EXPECT_EQ(refusal([](auto& config) { config.model.image_size = 98; }),
            "model.image_size: expected '0', " + began + "'98'" + hint);
  auto pairs = json::parse(read_file(folder_ / "pairs.json"));
  std::swap(pairs[0], pairs[2]);  // one caption each
  folder_.write("pairs.json", pairs.dump());
  EXPECT_EQ(
      refusal([](auto&) {}),
      (folder_ / "pairs.json").string() +
          ": expected the pairs of the run's beginning, in the same order, got other pairs, captions or "
          "another order (other data needs another output)");
  test::write_pairs(folder_, 8);  // the same file, other samples
  EXPECT_EQ(refusal([](auto&) {}),
            (folder_ / "pairs.json").string() +
                ": expected 7 samples per epoch, as when the run began, got 12 (other data "
                "needs another output)");
}

TEST_F(TrainerTest, OtherChangesOfTheConfigAreNoted) {
  auto config = named("run");
  train(config);
  config.optimizer.learning_rate = 5e-4;
  config.optimizer.parameters[0].lr_factor = 0.5;
  config.data.workers = 0;
  train(config);
  EXPECT_EQ(log_of("run", "note").back().at("text"),
            "changed since step 6: data.workers from '1' to '0', optimizer.learning_rate from "
            "'0.001' to '0.0005', optimizer.parameters[0].lr_factor from '1' to '0.5'");
}

TEST_F(TrainerTest, OnlyAChangedStartIsSaidToHaveAManifest) {
  train(named("first"));
  auto config = named("second");
  config.model.start = RunFolder(named("first").output).best().string();
  const auto refusal = [&] { return test::error_of([&] { train(config); }); };
  const auto manifest = fs::path(config.model.start) / "manifest.json";
  folder_.write("first/best/config.json", read_file(manifest.parent_path() / "config.json") + " ");
  EXPECT_THAT(refusal(), HasSubstr("if this is intended, remove " + manifest.string()));
  folder_.write("first/best/manifest.json", "[]");
  EXPECT_EQ(refusal(), "model.start: " + manifest.string() + ": expected an object of files, got an array");
}

TEST_F(TrainerTest, AFinishedRunThatIsToBeLongerGoesOn) {
  auto config = named("run");
  train(config);
  EXPECT_TRUE(is_finished(config));
  config.batch.max_steps = 8;
  EXPECT_FALSE(is_finished(config));
  const auto outcome = train(config);
  EXPECT_EQ(outcome.caption_losses.size(), 2U);
  EXPECT_TRUE(outcome.finished);
  EXPECT_TRUE(is_finished(config));
  config.evaluation.samples = 1;
  EXPECT_TRUE(is_finished(config));
}

}  // namespace
}  // namespace ccexpert::train

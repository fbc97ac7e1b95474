// Whole runs in one process: resumed, stopped, with broken checkpoints and unreadable images.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/train/run_folder.h>
#include <ccexpert/train/trainer.h>

#include "core/files.h"
#include "support/errors.h"
#include "train/run_lock.h"
#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TrainerTest : public ::testing::Test {
 protected:
  TrainerTest() : config_(test::tiny_config(folder_, test::write_pairs(folder_, 5))) {}

  TrainOutcome train(const TrainConfig& config, std::stop_token stop = {}) {
    return train::train(config, *alone_, at::kCPU, {std::move(stop)});
  }
  TrainConfig named(const std::string& run) const {
    auto config = config_;
    config.output = (folder_ / run).string();
    return config;
  }
  /// Runs `config_` without interruption.
  std::vector<double> whole() { return train(named("whole")).loss; }

  /// Returns weights and optimiser state at a step, byte for byte.
  std::map<std::string, std::string> files(const std::string& run, int64_t step) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(RunFolder(folder_ / run).checkpoint(step))) {
      const auto name = entry.path().filename().string();
      if (name.ends_with(".safetensors")) files[name] = read_file(entry.path());
    }
    return files;
  }
  void expect_same_end(const std::string& run) const {
    EXPECT_GE(files("whole", 6).size(), 2U);
    EXPECT_TRUE(files(run, 6) == files("whole", 6));
    EXPECT_TRUE(is_finished(named(run)));
  }
  std::vector<json> log_of(const std::string& run, const std::string& event) const {
    std::vector<json> lines;
    std::ifstream file(folder_ / run / "log.jsonl");
    for (std::string line; std::getline(file, line);) {
      auto object = json::parse(line);
      if (object.at("event") == event) lines.push_back(std::move(object));
    }
    return lines;
  }

  test::TemporaryFolder folder_;
  std::unique_ptr<distributed::Communicator> alone_ = distributed::single_process();
  TrainConfig config_;
};

/// Runs `call` and returns what it printed to standard error.
template <class Call>
std::string printed_by(Call&& call) {
  ::testing::internal::CaptureStderr();
  call();
  return ::testing::internal::GetCapturedStderr();
}

TEST_F(TrainerTest, TheLossFalls) {
  config_.batch.max_steps = 20;
  config_.checkpoint.every_steps = 0;
  const auto losses = whole();
  ASSERT_EQ(losses.size(), 20U);
  EXPECT_LT(losses.back(), 0.7 * losses.front());
  EXPECT_THAT(RunFolder(folder_ / "whole").steps(), ElementsAre(20));
  EXPECT_EQ(RunFolder(folder_ / "whole").best_step(), 20);
}

TEST_F(TrainerTest, PhasesTellWhenAStopMayTakeTime) {
  std::vector<RunPhase> phases;
  config_.batch.max_steps = 1;
  test::evaluate_on(config_, config_.data.train);
  train::train(named("run"), *alone_, at::kCPU,
               {.on_phase = [&](RunPhase phase) { phases.push_back(phase); }});
  EXPECT_EQ(phases.front(), RunPhase::kSaved);
  EXPECT_EQ(phases.back(), RunPhase::kSaved);
  // Two micro-batches, and one round of the evaluation.
  EXPECT_EQ(std::count(phases.begin(), phases.end(), RunPhase::kInput), 3);
  EXPECT_EQ(std::count(phases.begin(), phases.end(), RunPhase::kWork), 4);
}

TEST_F(TrainerTest, ResumedEqualsUninterrupted) {
  const auto expected = whole();
  auto config = named("cut");
  train(config);
  // As if killed after step 4, twice.
  fs::remove_all(RunFolder(config.output).checkpoint(6));
  fs::remove(RunFolder(config.output).finished());
  const auto outcome = train(config);
  EXPECT_THAT(outcome.loss, ElementsAre(expected[4], expected[5]));
  EXPECT_EQ(outcome.step, 6);
  expect_same_end("cut");
  EXPECT_EQ(log_of("cut", "step").size(), 6U);
}

TEST_F(TrainerTest, ResumedWithDrawnCaptionsEqualsUninterrupted) {
  config_.data.captions = "random_choice";
  config_.batch.max_steps = 0;
  config_.batch.epochs = 3.0;  // of 2 batches each
  whole();
  auto config = named("cut");
  train(config);
  fs::remove_all(RunFolder(config.output).checkpoint(6));
  train(config);
  expect_same_end("cut");
}

TEST_F(TrainerTest, ABrokenCheckpointIsPassedOverWithAWarning) {
  whole();
  auto config = named("cut");
  train(config);
  const RunFolder run(config.output);
  fs::resize_file(run.checkpoint(6) / "model.safetensors", 1000);
  TrainOutcome outcome;
  const auto printed = printed_by([&] { outcome = train(config); });
  EXPECT_THAT(printed, HasSubstr("checkpoint of step 6 is broken and was skipped"));
  EXPECT_THAT(printed, HasSubstr("model.safetensors: expected"));
  EXPECT_EQ(outcome.loss.size(), 2U);
  expect_same_end("cut");
}

TEST_F(TrainerTest, FlagsThatContradictTheirMasksAreCountedInWarnings) {
  const Image black{30, 40, std::vector<uint8_t>(3 * 30 * 40)};
  write_png(folder_ / "none.png", black.view());
  auto pairs = json::parse(read_file(folder_ / "pairs.json"));
  for (auto& pair : pairs) pair["mask_path"] = (folder_ / "none.png").string();
  folder_.write("pairs.json", pairs.dump());
  config_.loss.mask = 1.0;
  config_.batch.max_steps = 4;
  ::testing::internal::CaptureStderr();
  train(named("run"));
  const auto printed = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(printed, HasSubstr("samples so far have a change_flag that contradicts their mask"));
}

TEST_F(TrainerTest, WithoutAWholeCheckpointItTouchesNothing) {
  auto config = named("cut");
  train(config);
  const RunFolder run(config.output);
  const auto log = read_file(run.log());
  for (const int64_t step : run.steps()) fs::remove(run.checkpoint(step) / "manifest.json");
  EXPECT_EQ(test::error_of([&] { train(config); }),
            config.output + ": none of its 2 checkpoints is intact (remove them to start anew)");
  EXPECT_EQ(read_file(run.log()), log);
  EXPECT_THAT(run.steps(), ElementsAre(4, 6));
}

TEST_F(TrainerTest, AKillAmidTheReplacingOfTheOnlyCheckpointLosesNothing) {
  auto config = named("cut");
  config.checkpoint.keep_last = 1;
  config.batch.max_steps = 4;
  const auto only = RunFolder(config.output).checkpoint(4);
  train(config);
  fs::rename(only, fs::path(only) += ".replaced");
  config.batch.max_steps = 6;
  EXPECT_EQ(train(config).loss.size(), 2U);
}

TEST_F(TrainerTest, ARequestedStopSaves) {
  whole();
  auto config = named("cut");
  config.checkpoint.every_steps = 0;
  std::stop_source stop;
  stop.request_stop();
  for (int64_t step = 1; step <= 3; ++step) {
    const auto outcome = train(config, stop.get_token());
    EXPECT_EQ(outcome.step, step);
    EXPECT_FALSE(outcome.finished);
    EXPECT_FALSE(is_finished(config));
    EXPECT_EQ(RunFolder(config.output).steps().back(), step);
  }
  EXPECT_TRUE(train(config).finished);
  expect_same_end("cut");
}

TEST_F(TrainerTest, TheBestCheckpointStays) {
  auto config = named("run");
  test::evaluate_on(config, test::write_pairs(folder_, 3, "validation.json"));
  config.evaluation.every_epoch = false;
  config.evaluation.every_steps = 2;
  config.evaluation.samples = 1;
  config.checkpoint.keep_last = 1;
  train(config);
  const auto evaluations = log_of("run", "evaluation");
  ASSERT_EQ(evaluations.size(), 3U);
  double best = 1e9;
  int64_t best_step = 0;
  for (const auto& line : evaluations) {
    EXPECT_EQ(line.at("pairs"), 3);
    EXPECT_EQ(line.at("samples").size(), 1U);
    EXPECT_EQ(line.at("best"), line.at("score").get<double>() < best);
    if (line.at("best").get<bool>()) best_step = line.at("step");
    best = std::min(best, line.at("score").get<double>());
  }
  const RunFolder folder(config.output);
  EXPECT_EQ(folder.best_step(), best_step);
  EXPECT_EQ(fs::canonical(folder.last()), fs::canonical(folder.checkpoint(6)));
  // A kill between writing the checkpoint and setting its links.
  fs::remove(folder.best());
  fs::remove(folder.last());
  fs::remove(folder.finished());
  train(config);
  EXPECT_EQ(folder.best_step(), best_step);
  EXPECT_EQ(fs::canonical(folder.last()), fs::canonical(folder.checkpoint(6)));
  EXPECT_THAT(read_file(RunFolder(config.output).report()), HasSubstr("validation loss"));
}

TEST_F(TrainerTest, TheBestCheckpointIsOfTheMetricAskedFor) {
  auto config = named("run");
  test::evaluate_on(config, test::write_pairs(folder_, 3, "validation.json"));
  config.evaluation.every_epoch = false;
  config.evaluation.every_steps = 2;
  config.evaluation.metric = "rouge_l";
  train(config);
  const auto evaluations = log_of("run", "evaluation");
  ASSERT_EQ(evaluations.size(), 3U);
  double best = -1.0;
  for (const auto& line : evaluations) {
    const double score = line.at("scores").at("rouge_l");
    EXPECT_EQ(line.at("score"), score);
    EXPECT_GE(score, 0.0);
    EXPECT_TRUE(line.at("scores").contains("cider_d"));
    EXPECT_TRUE(line.at("scores").contains("change_accuracy"));
    EXPECT_EQ(line.at("best"), score > best);
    best = std::max(best, score);
  }
}

TEST_F(TrainerTest, UnreadableImagesEndTheRunOrAreLeftOut) {
  fs::remove(folder_ / "pairs.json-3-after.png");
  EXPECT_THAT(test::error_of([&] { train(named("strict")); }), HasSubstr("pairs.json-3-after.png"));
  auto config = named("lenient");
  config.data.unreadable = "skip";
  EXPECT_TRUE(train(config).finished);
  const auto steps = log_of("lenient", "step");
  ASSERT_EQ(steps.size(), 6U);
  EXPECT_GT(steps.back().at("skipped_samples"), 0.0);
}

TEST_F(TrainerTest, AMicroBatchThatIsLeftOutCountsForNothing) {
  // Seven captions, two of them from the pair that is left out.
  config_.batch = {.global = 7, .micro = 1, .max_steps = 1};
  config_.data.unreadable = "skip";
  auto pairs = json::parse(read_file(folder_ / "pairs.json"));
  pairs.erase(3);
  auto without = named("without");
  without.data.train = folder_.write("four.json", pairs.dump()).string();
  without.batch.global = 5;
  train(without);
  fs::remove(folder_ / "pairs.json-3-after.png");
  train(named("left-out"));
  const auto expected = log_of("without", "step").at(0), actual = log_of("left-out", "step").at(0);
  EXPECT_EQ(actual.at("skipped_samples"), 2.0);
  EXPECT_NEAR(actual.at("loss"), expected.at("loss"), 1e-5);
  EXPECT_NEAR(actual.at("grad_norm"), expected.at("grad_norm"), 1e-4);
}

TEST_F(TrainerTest, FrozenWeightsStayAndTheRestGoesOn) {
  config_.optimizer.parameters = {{"model.vision_resampler.*"}};
  whole();
  auto config = named("cut");
  train(config);
  fs::remove_all(RunFolder(config.output).checkpoint(6));
  train(config);
  expect_same_end("cut");
  // Frozen weights equal those of the start.
  const auto before = io::open_checkpoint(test::tiny_folder()).weights->tensor("lm_head.weight");
  const auto after = io::open_checkpoint(RunFolder(config.output).best()).weights->tensor("lm_head.weight");
  EXPECT_TRUE(at::equal(after.to(at::kFloat), before.to(at::kFloat)));
}

TEST_F(TrainerTest, OtherParametersOfARunAreRefused) {
  whole();
  auto config = named("whole");
  config.optimizer.parameters = {{"model.mm_projector.*"}};
  config.batch.max_steps = 8;
  EXPECT_THAT(test::error_of([&] { train(config); }),
              HasSubstr("the optimiser's state belongs to other parameters"));
}

TEST_F(TrainerTest, AStopAmidAnEvaluationIsMadeUpFor) {
  auto config = named("run");
  test::evaluate_on(config, test::write_pairs(folder_, 3, "validation.json"));
  config.batch.max_steps = 2;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(train(config, stop.get_token()).finished);  // after step 1
  const auto stopped = train(config, stop.get_token());    // step 2 is the last: its evaluation is due
  EXPECT_EQ(stopped.step, 2);
  EXPECT_FALSE(stopped.finished);
  EXPECT_FALSE(is_finished(config));
  EXPECT_EQ(RunFolder(config.output).steps().back(), 2);
  EXPECT_TRUE(log_of("run", "evaluation").empty());
  EXPECT_FALSE(train(config, stop.get_token()).finished);
  EXPECT_TRUE(train(config).finished);
  EXPECT_EQ(log_of("run", "evaluation").size(), 1U);
  EXPECT_EQ(RunFolder(config.output).best_step(), 2);
}

TEST_F(TrainerTest, AStopAmidAnEvaluationLeavesNoTraceInTheState) {
  // From the first evaluation; later scores are not better.
  config_.evaluation.metric = "change_accuracy";
  config_.evaluation.every_epoch = false;
  config_.evaluation.every_steps = 1;
  config_.batch.max_steps = 3;
  config_.checkpoint.every_steps = 1;
  test::evaluate_on(config_, test::write_pairs(folder_, 3, "validation.json"));
  whole();
  auto config = named("cut");
  train(config);
  // As if killed in step 3; then a stop comes during the last evaluation.
  fs::remove_all(RunFolder(config.output).checkpoint(3));
  fs::remove(RunFolder(config.output).finished());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(train(config, stop.get_token()).finished);
  EXPECT_TRUE(train(config).finished);
  const auto state = [&](const std::string& run) {
    return read_file(RunFolder(folder_ / run).checkpoint(3) / "trainer.json");
  };
  EXPECT_EQ(state("cut"), state("whole"));
  EXPECT_EQ(json::parse(state("cut")).at("progress").at("evaluated"), 3);
}

TEST_F(TrainerTest, ASecondTrainingInItsFolderIsRefused) {
  const RunFolder run(named("run").output);
  run.create();
  const RunLock lock(run.root());
  EXPECT_THAT(test::error_of([&] { train(named("run")); }),
              HasSubstr("another training writes here (process "));
  EXPECT_TRUE(run.steps().empty());
}

TEST_F(TrainerTest, AnotherMetricLooksForTheBestAnew) {
  auto config = named("run");
  test::evaluate_on(config, test::write_pairs(folder_, 3, "validation.json"));
  config.batch.max_steps = 2;
  train(config);
  config.batch.max_steps = 4;
  config.evaluation.every_epoch = false;
  config.evaluation.metric = "change_accuracy";
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
  config_.data.unreadable = "skip";
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
  EXPECT_THAT(refusal([](auto& config) { config.data.captions = "random_choice"; }),
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
  EXPECT_EQ(outcome.loss.size(), 2U);
  EXPECT_TRUE(outcome.finished);
  EXPECT_TRUE(is_finished(config));
  config.evaluation.samples = 1;
  EXPECT_TRUE(is_finished(config));
}

}  // namespace
}  // namespace ccexpert::train

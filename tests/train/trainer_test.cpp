// Whole runs in one process: resumed, stopped, with broken checkpoints and unreadable images.
#include <gmock/gmock.h>

#include "support/errors.h"
#include "train/run_lock.h"
#include "train/trainer_fixture.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

TEST_F(TrainerTest, EntriesAreTheLinesOfTheLogAndMayStopTheRun) {
  std::string entries;
  std::stop_source stop;
  const auto outcome = train::train(named("run"), *alone_, at::kCPU,
                                    {.stop = stop.get_token(), .on_entry = [&](std::string_view entry) {
                                       entries.append(entry).append("\n");
                                       if (entry.find("\"step\":2") != std::string_view::npos)
                                         stop.request_stop();
                                     }});
  EXPECT_EQ(outcome.step, 3);  // a step begins before the request is seen
  EXPECT_FALSE(outcome.finished);
  EXPECT_EQ(entries, read_file(RunFolder(folder_ / "run").log()));
}

TEST_F(TrainerTest, ResumedEqualsUninterrupted) {
  const auto expected = whole();
  auto config = named("cut");
  train(config);
  // As if killed after step 4, twice.
  fs::remove_all(RunFolder(config.output).checkpoint(6));
  fs::remove(RunFolder(config.output).finished());
  const auto outcome = train(config);
  EXPECT_THAT(outcome.caption_losses, ElementsAre(expected[4], expected[5]));
  EXPECT_EQ(outcome.step, 6);
  expect_same_end("cut");
  EXPECT_EQ(log_of("cut", "step").size(), 6U);
}

TEST_F(TrainerTest, ResumedWithDrawnCaptionsEqualsUninterrupted) {
  config_.data.captions = CaptionChoice::kRandomChoice;
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
  EXPECT_EQ(outcome.caption_losses.size(), 2U);
  expect_same_end("cut");
}

TEST_F(TrainerTest, FlagsThatContradictTheirMasksAreCountedInWarnings) {
  const image::Image black{30, 40, std::vector<uint8_t>(3 * 30 * 40)};
  image::write_png(folder_ / "none.png", black.view());
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
  EXPECT_EQ(train(config).caption_losses.size(), 2U);
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
  config.evaluation.metric = Metric::kRougeL;
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
  config.data.unreadable = Unreadable::kSkip;
  EXPECT_TRUE(train(config).finished);
  const auto steps = log_of("lenient", "step");
  ASSERT_EQ(steps.size(), 6U);
  EXPECT_GT(steps.back().at("skipped_samples"), 0.0);
}

TEST_F(TrainerTest, AMicroBatchThatIsLeftOutCountsForNothing) {
  // Seven captions, two of them from the pair that is left out.
  config_.batch = {.global = 7, .micro = 1, .max_steps = 1};
  config_.data.unreadable = Unreadable::kSkip;
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
  config_.evaluation.metric = Metric::kChangeAccuracy;
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

}  // namespace
}  // namespace ccexpert::train

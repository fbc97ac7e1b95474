// Process tests of ccexpert-train --sweep.
#include "support/errors.h"
#include "tools/train_fixture.h"
#include "train/sweep_run.h"

namespace ccexpert::test {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class SweepProcess : public TrainProcess {
 protected:
  /// Writes a sweep of the fixture's run; captions follow if `captions` are given.
  std::filesystem::path write(const std::string& rows, const std::string& captions = "") {
    return folder_.write("sweep.yaml", fmt::format("output: {}/sweep\nseeds: [1, 2]\n"
                                                   "overrides: [batch.max_steps=2]\n{}rows:\n{}",
                                                   folder_.path().string(), captions, rows));
  }
  std::vector<std::string> arguments(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{CCEXPERT_TRAIN, "--sweep", (folder_ / "sweep.yaml").string()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  ProcessResult sweep(std::vector<std::string> more = {}) const {
    return run_process(arguments(std::move(more)));
  }
  nlohmann::json record(const std::string& run) const {
    return nlohmann::json::parse(content(folder_ / "sweep" / run / "run.json"));
  }
  std::string captions() const {
    return fmt::format("captions: {{pairs: {}/pairs.json, options: [--max-new-tokens, '3', --quiet]}}\n",
                       folder_.path().string());
  }
};

TEST_F(SweepProcess, TrainsAndCaptionsEveryRunOnce) {
  write("  - {name: plain, config: run.yaml}\n  - {name: fast, config: run.yaml, seeds: [3]}\n", captions());
  const auto first = sweep();
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(first.err,
              AllOf(HasSubstr("run 1 of 3: plain, seed 1"), HasSubstr("run 3 of 3: fast, seed 3 finished")));
  EXPECT_THAT(first.out, AllOf(HasSubstr("   2  plain, seed 2  finished"), HasSubstr("train 2\n")));
  for (const char* run : {"plain/seed-1", "plain/seed-2", "fast/seed-3"}) {
    EXPECT_EQ(record(run).at("state"), "finished");
    const auto lines = content(folder_ / "sweep" / run / "captions.jsonl");
    EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 5);
  }
  EXPECT_FALSE(outcome("sweep/plain/seed-1") == outcome("sweep/plain/seed-2"));
  const auto again = sweep();
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err,
              AllOf(HasSubstr("run 2 of 3: plain, seed 2 is finished already"), Not(HasSubstr("step"))));
  // More steps are asked for: the captions of the later model replace those of the earlier one.
  const auto longer = sweep({"batch.max_steps=3", "--row", "3"});
  EXPECT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_EQ(record("fast/seed-3").at("state"), "finished");
}

TEST_F(SweepProcess, AFailedRunIsReportedAndTheOthersGoOn) {
  write(
      "  - {name: bad, config: run.yaml, overrides: [data.train=/none.json]}\n"
      "  - {name: good, config: run.yaml}\n");
  const auto result = sweep({"--quiet"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("/none.json"), HasSubstr("run 1 of 4: bad, seed 1 failed with exit code 1")));
  EXPECT_EQ(record("bad/seed-2").at("state"), "failed");
  EXPECT_EQ(record("good/seed-2").at("state"), "finished");
}

TEST_F(SweepProcess, OneRunAsATaskOfAnArray) {
  write("  - {name: a, config: run.yaml}\n");
  ::setenv("SLURM_ARRAY_TASK_ID", "2", 1);
  const auto task = sweep({"--quiet"});
  ::setenv("SLURM_ARRAY_TASK_ID", "0", 1);
  const auto refused = sweep();
  ::unsetenv("SLURM_ARRAY_TASK_ID");
  EXPECT_EQ(task.exit_code, 0) << task.err;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "sweep/a/seed-1"));
  EXPECT_EQ(record("a/seed-2").at("state"), "finished");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("SLURM_ARRAY_TASK_ID: expected 1 to 2, got 0"));
  EXPECT_THAT(sweep({"--row", "3"}).err,
              HasSubstr("--row: expected 1 to 2, got 3 (--sweep FILE --plan lists"));
}

TEST_F(SweepProcess, StoppedBySigtermItContinues) {
  write("  - {name: a, config: run.yaml}\n");
  Process process(arguments({"batch.max_steps=100000"}));
  ASSERT_TRUE(happens_within(milliseconds(20'000), [&] { return logged_steps("sweep/a/seed-1") >= 3; }));
  process.signal(SIGTERM);
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGTERM);
  EXPECT_THAT(result.err, HasSubstr("run 1 of 2: a, seed 1 stopped; the same command continues"));
  EXPECT_EQ(record("a/seed-1").at("state"), "stopped");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "sweep/a/seed-2"));
  const auto steps = logged_steps("sweep/a/seed-1");
  const auto resumed = sweep({fmt::format("batch.max_steps={}", steps + 1), "--row", "1"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr(fmt::format("continuing after step {}", steps)));
  EXPECT_EQ(logged_steps("sweep/a/seed-1"), steps + 1);
}

TEST_F(SweepProcess, KilledItTakesItsTrainingAlong) {
  write("  - {name: a, config: run.yaml}\n");
  Process process(arguments({"batch.max_steps=100000"}));
  ASSERT_TRUE(happens_within(milliseconds(20'000), [&] { return logged_steps("sweep/a/seed-1") >= 1; }));
  const auto trainings = children_of(children_of(::getpid()).at(0));
  ASSERT_EQ(trainings.size(), 1U);
  process.signal(SIGKILL);
  EXPECT_TRUE(happens_within(milliseconds(10'000), [&] { return !runs(trainings.front()); }));
  EXPECT_EQ(record("a/seed-1").at("state"), "started");
}

TEST_F(SweepProcess, ThePlanListsTheRunsAndTrainsNothing) {
  write("  - {name: a, config: run.yaml}\n  - {name: b, config: run.yaml, overrides: [batch.global=4]}\n");
  const auto plan = sweep({"--plan"});
  EXPECT_EQ(plan.exit_code, 0) << plan.err;
  EXPECT_THAT(plan.out, StartsWith("   1  a, seed 1  waiting          0 s  no checkpoint\n"));
  EXPECT_THAT(plan.out, AllOf(HasSubstr("\na\ntrain on 1 rank\n"), HasSubstr("\nb\ntrain on 1 rank\n")));
  const auto second = sweep({"--plan", "--row", "3"});
  EXPECT_THAT(second.out, AllOf(HasSubstr("\nb\ntrain on 1 rank\n"), Not(HasSubstr("\na\ntrain on"))));
  EXPECT_THAT(sweep({"--plan", "--row", "999"}).err, HasSubstr("--row: expected 1 to 4, got 999"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "sweep"));
}

TEST_F(SweepProcess, SeveralRanksOfALauncherNeedOneRun) {
  write("  - {name: a, config: run.yaml}\n");
  ::setenv("RANK", "0", 1);
  ::setenv("WORLD_SIZE", "2", 1);
  const auto refused = sweep();
  ::unsetenv("RANK");
  ::unsetenv("WORLD_SIZE");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err,
              HasSubstr("--sweep: expected --row N, as 2 ranks train one run together, got all runs"));
}

TEST_F(SweepProcess, TheFirstRankOfALauncherKeepsRecordAndSummary) {
  tools::TrainCommand command;
  command.sweep = write("  - {name: a, config: run.yaml}\n");
  command.row = 1;
  ::setenv("RANK", "0", 1);
  ::setenv("WORLD_SIZE", "2", 1);
  // Only a signal that asks for an end stops a run; one that was killed has failed.
  for (const auto& [code, state] : std::vector<std::pair<int, std::string>>{{0, "finished"},
                                                                            {128 + SIGTERM, "stopped"},
                                                                            {128 + SIGINT, "stopped"},
                                                                            {128 + SIGKILL, "failed"},
                                                                            {1, "failed"}}) {
    EXPECT_EQ(tools::run_sweep(command, [code = code](const auto&, const auto&) { return code; }), code);
    EXPECT_EQ(record("a/seed-1").at("state"), state);
  }
  const auto train_badly = [](const auto&, const auto&) -> int { throw Error("no"); };
  EXPECT_EQ(error_of([&] { tools::run_sweep(command, train_badly); }), "no");
  ::unsetenv("RANK");
  ::unsetenv("WORLD_SIZE");
  EXPECT_EQ(record("a/seed-1").at("exit_code"), 1);
  const auto summary = nlohmann::json::parse(content(folder_ / "sweep/summary.json"));
  EXPECT_EQ(summary.at("runs").at(0).at("state"), "failed");
}

TEST_F(SweepProcess, RanksOfALaunchTrainTogether) {
  write("  - {name: a, config: run.yaml, seeds: [5]}\n");
  const auto result = sweep({"--nproc", "2"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(record("a/seed-5").at("state"), "finished");
  // The model, and the state of two ranks.
  EXPECT_EQ(outcome("sweep/a/seed-5").size(), 3U);
}

}  // namespace
}  // namespace ccexpert::test

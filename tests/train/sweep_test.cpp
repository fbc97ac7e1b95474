// Files of sweeps, and what the folders of their runs say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files.h"
#include "support/errors.h"
#include "support/temporary_folder.h"
#include "train/shared/sweep_state.h"

namespace ccexpert::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SweepTest : public ::testing::Test {
 protected:
  SweepTest() {
    folder_.write("configs/two.yaml",
                  "model: {start: base}\ndata: {train: x.json}\n"
                  "stages:\n  - {name: first}\n  - {name: second}\n");
  }
  std::filesystem::path write(const std::string& rows, const std::string& head = "") {
    return folder_.write("sweep.yaml",
                         "output: " + (folder_ / "runs").string() + "\n" + head + "rows:\n" + rows);
  }
  std::vector<SweepRun> runs(const std::string& rows, const std::string& head = "") {
    const auto file = write(rows, head);
    return runs_of(read_sweep(file), file, {});
  }
  std::string refusal(const std::string& rows, const std::string& head = "") {
    return test::error_of([&] { runs(rows, head); });
  }

  test::TemporaryFolder folder_;
};

TEST_F(SweepTest, EveryRowRunsWithEverySeed) {
  const auto all = runs(
      "  - {name: a, config: configs/two.yaml}\n"
      "  - {name: b, config: configs/two.yaml, seeds: [7], overrides: [batch.micro=2, model.fresh=true]}\n",
      "seeds: [1, 2]\noverrides: [batch.micro=4]\n");
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].title(), "a, seed 1");
  EXPECT_EQ(all[1].title(), "a, seed 2");
  EXPECT_EQ(all[2].title(), "b, seed 7");
  EXPECT_EQ(all[1].folder, folder_ / "runs/a/seed-2");
  ASSERT_EQ(all[1].stages.size(), 2U);
  EXPECT_EQ(all[1].stages[1].output, (folder_ / "runs/a/seed-2/second").string());
  EXPECT_EQ(all[1].stages[1].seed, 2);
  EXPECT_EQ(all[1].stages[0].batch.micro, 4);
  EXPECT_EQ(all[2].stages[0].batch.micro, 2);
  EXPECT_TRUE(all[2].stages[0].model.fresh);
}

TEST_F(SweepTest, OverridesOfTheCommandLineComeLast) {
  const auto file = write("  - {name: a, config: configs/two.yaml, overrides: [batch.micro=2]}\n");
  const auto all = runs_of(read_sweep(file), file, {"batch.micro=1"});
  EXPECT_EQ(all.at(0).seed, 42);
  EXPECT_EQ(all.at(0).stages[0].batch.micro, 1);
}

TEST_F(SweepTest, AFolderMayHaveSignsOfYaml) {
  const auto file =
      folder_.write("sweep.yaml", "output: 'run: #1'\nrows: [{name: a, config: configs/two.yaml}]\n");
  EXPECT_EQ(runs_of(read_sweep(file), file, {}).at(0).stages[0].output, "run: #1/a/seed-42/first");
}

TEST_F(SweepTest, CaptionsAreOfTheLastStageOrOfEach) {
  const auto run = runs("  - {name: a, config: configs/two.yaml}\n").at(0);
  EXPECT_TRUE(caption_jobs({}, run).empty());
  const auto last = caption_jobs({.pairs = "test.json", .every_stage = false, .options = {}}, run);
  ASSERT_EQ(last.size(), 1U);
  EXPECT_EQ(last[0].model, run.folder / "second/best");
  EXPECT_EQ(last[0].captions, run.folder / "captions.jsonl");
  const auto each = caption_jobs({.pairs = "test.json", .every_stage = true, .options = {}}, run);
  ASSERT_EQ(each.size(), 2U);
  EXPECT_EQ(each[0].model, run.folder / "first/best");
  EXPECT_EQ(each[0].captions, run.folder / "first/captions.jsonl");
}

TEST_F(SweepTest, MistakesAreNamed) {
  const std::string good = "{name: a, config: configs/two.yaml}";
  const auto row = [](const std::string& text) { return "  - " + text + "\n"; };
  EXPECT_THAT(
      refusal(row("{name: a/b, config: configs/two.yaml}")),
      HasSubstr("sweep.yaml:3: rows[0].name: expected letters, digits and - _ . +, as it names a folder, "
                "got 'a/b'"));
  EXPECT_THAT(refusal(row(good) + row(good)),
              HasSubstr("rows[1].name: expected a different name for each row"));
  EXPECT_THAT(refusal(row("{name: a}")), HasSubstr("rows[0].config: expected a training config, got none"));
  EXPECT_THAT(refusal(row(good), "seeds: [1, 1]\n"), HasSubstr("seeds: expected different seeds"));
  EXPECT_THAT(refusal(row(good), "seeds: []\n"), HasSubstr("seeds: expected at least one seed"));
  EXPECT_THAT(refusal(row(good), "overrides: [seed=3]\n"),
              HasSubstr("overrides[0]: expected another key, as the sweep sets output and seed, got seed"));
  EXPECT_THAT(refusal(row(good), "overrides: [micro]\n"),
              HasSubstr("overrides[0]: expected section.key=value, got 'micro'"));
  EXPECT_THAT(refusal(row(good), "captions: {every_stage: true}\n"),
              HasSubstr("captions.pairs: expected pairs"));
  EXPECT_THAT(refusal(row("{name: a, config: none.yaml}")), HasSubstr("row a: "));
  EXPECT_THAT(refusal(row("{name: a, config: configs/two.yaml, overrides: [batch.micr=1]}")),
              HasSubstr("row a: override batch.micr=1"));
  EXPECT_THAT(refusal(row("{name: a, confg: x}")), HasSubstr("did you mean config?"));
  EXPECT_THAT(test::error_of([&] { read_sweep(folder_.write("s.yaml", "output: x\nrows: []\n")); }),
              HasSubstr("rows: expected at least one row"));
}

TEST_F(SweepTest, ARecordIsReadAsWritten) {
  const auto file = write("  - {name: a, config: configs/two.yaml}\n");
  const auto sweep = read_sweep(file);
  const auto run = runs_of(sweep, file, {}).at(0);
  EXPECT_EQ(read_record(sweep, run).state, RunState::kWaiting);
  write_record(run, {RunState::kFailed, 9, 1.5});
  const auto record = read_record(sweep, run);
  EXPECT_EQ(record.state, RunState::kFailed);
  EXPECT_EQ(record.exit_code, 9);
  EXPECT_EQ(record.seconds, 1.5);
  // Without its stages' steps a finished run is not finished any more.
  write_record(run, {RunState::kFinished, 0, 1.5});
  EXPECT_EQ(read_record(sweep, run).state, RunState::kStarted);
  folder_.write("runs/a/seed-42/first/finished", "3");
  folder_.write("runs/a/seed-42/second/finished", "3");
  EXPECT_EQ(read_record(sweep, run).state, RunState::kFinished);
  folder_.write("runs/a/seed-42/run.json", "{\"state\": \"done\"}");
  EXPECT_THAT(test::error_of([&] { read_record(sweep, run); }),
              HasSubstr("run.json: state: expected waiting"));
  folder_.write("runs/a/seed-42/run.json", "{\"options\": [1]}");
  EXPECT_THAT(test::error_of([&] { read_record(sweep, run); }),
              HasSubstr("run.json: options: expected an array of texts, got"));
}

TEST_F(SweepTest, CaptionsOfOtherOptionsAreRemoved) {
  const auto write_with = [&](const std::string& captions) {
    return write("  - {name: a, config: configs/two.yaml}\n", "captions: " + captions + "\n");
  };
  const auto file = write_with("{pairs: p.json, every_stage: true, options: [--beams=3]}");
  const auto sweep = read_sweep(file);
  const auto run = runs_of(sweep, file, {}).at(0);
  RunRecord record;
  start_record(sweep, run, record);
  for (const char* name : {"first/finished", "second/finished", "first/captions.jsonl", "captions.jsonl"})
    folder_.write(std::string("runs/a/seed-42/") + name, "3");
  record.state = RunState::kFinished;
  write_record(run, record);
  EXPECT_EQ(read_record(sweep, run).state, RunState::kFinished);
  EXPECT_EQ(read_record(sweep, run).options, std::vector<std::string>{"--beams=3"});
  const auto other_pairs = read_sweep(write_with("{pairs: q.json, every_stage: true, options: [--beams=3]}"));
  EXPECT_EQ(read_record(other_pairs, run).state, RunState::kStarted);
  const auto others = read_sweep(write_with("{pairs: p.json, options: [--beams=1]}"));
  record = read_record(others, run);
  EXPECT_EQ(record.state, RunState::kStarted);
  start_record(others, run, record);
  EXPECT_FALSE(is_there(run.folder / "captions.jsonl"));
  EXPECT_FALSE(is_there(run.folder / "first/captions.jsonl"));
  EXPECT_EQ(read_record(others, run).options, std::vector<std::string>{"--beams=1"});
}

TEST_F(SweepTest, CaptionsOfAModelThatTrainsOnAreRemoved) {
  const auto file = write("  - {name: a, config: configs/two.yaml}\n", "captions: {pairs: p.json}\n");
  const auto sweep = read_sweep(file);
  const auto run = runs_of(sweep, file, {}).at(0);
  RunRecord record;
  start_record(sweep, run, record);
  for (const char* name : {"first/finished", "first/captions.jsonl", "captions.jsonl"})
    folder_.write(std::string("runs/a/seed-42/") + name, "3");
  start_record(sweep, run, record);
  EXPECT_TRUE(is_there(run.folder / "first/captions.jsonl"));
  EXPECT_FALSE(is_there(run.folder / "captions.jsonl"));
  // Captions of finished stages continue.
  folder_.write("runs/a/seed-42/second/finished", "3");
  folder_.write("runs/a/seed-42/captions.jsonl", "3");
  start_record(sweep, run, record);
  EXPECT_TRUE(is_there(run.folder / "captions.jsonl"));
}

TEST_F(SweepTest, TheSummaryHasEveryRunAndItsScores) {
  const auto file = write("  - {name: a, config: configs/two.yaml, seeds: [1, 2]}\n");
  const auto sweep = read_sweep(file);
  const auto all = runs_of(sweep, file, {});
  write_record(all[0], {RunState::kFailed, 1, 61.0});
  folder_.write("runs/a/seed-1/first/last/trainer.json",
                R"({"progress": {"step": 5, "metric": "s_star_m", "best": 0.75, "best_step": 4}})");
  folder_.write("runs/a/seed-1/second/last/trainer.json", R"({"progress": {"step": 2, "best": null}})");
  EXPECT_EQ(summary_table(sweep, all),
            "   1  a, seed 1  failed          61 s  first 5 (s_star_m 0.7500 at 4), second 2\n"
            "   2  a, seed 2  waiting          0 s  no checkpoint\n");
  write_summary(sweep, all);
  const auto text = read_file(folder_ / "runs/summary.json");
  for (const char* part : {"\"row\": \"a\"", "\"seed\": 2", "\"state\": \"failed\"", "\"best\": 0.75"})
    EXPECT_THAT(text, HasSubstr(part));
}

}  // namespace
}  // namespace ccexpert::train

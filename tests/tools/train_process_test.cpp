// Process tests of ccexpert-train: kills, stops and wrong use.
#include <random>

#include <sys/stat.h>

#include "support/paths.h"
#include "tools/killed_process.h"
#include "tools/train_fixture.h"

namespace ccexpert::test {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Waits for a random moment: soon after the start, or after a logged step.
void wait_for_chance(std::mt19937& chance, const std::function<size_t()>& steps) {
  const auto up_to = [&](unsigned most) { return static_cast<unsigned>(chance() % (most + 1)); };
  if (up_to(3) == 0) {
    std::this_thread::sleep_for(milliseconds(up_to(800)));
    return;
  }
  const size_t wanted = steps() + 1 + up_to(1);
  happens_within(std::chrono::seconds(20), [&] { return steps() >= wanted; });
  std::this_thread::sleep_for(milliseconds(up_to(60)));  // until the save or the next step is under way
}

/// Returns the exit code after SIGTERM; the test fails, and the process is killed, if it lives on.
int exit_code_soon_after_sigterm(Process& process) {
  const auto launchers = children_of(::getpid());
  process.signal(SIGTERM);
  const bool ended = happens_within(milliseconds(30'000),
                                    [&] { return std::none_of(launchers.begin(), launchers.end(), runs); });
  EXPECT_TRUE(ended);
  if (!ended) process.signal(SIGKILL);
  return process.wait().exit_code;
}

TEST_F(TrainProcess, KilledAtAnyMomentItGoesOnBitForBit) {
  const std::vector<std::string> longer{"batch.max_steps=60", "--quiet"};
  ASSERT_EQ(train("whole", longer).exit_code, 0);
  std::mt19937 chance(20);
  int kills = 0;
  for (int attempt = 0; attempt < 24; ++attempt) {
    Process process(command("cut", longer));
    wait_for_chance(chance, [&] { return logged_steps("cut"); });
    process.signal(SIGKILL);
    kills += process.wait().exit_code == 128 + SIGKILL ? 1 : 0;
  }
  EXPECT_GE(kills, 20);
  const auto last = train("cut", longer);
  ASSERT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(last.err, "");
  expect_same_outcome("cut", "whole");
  EXPECT_EQ(logged_steps("cut"), 60U);
}

TEST_F(TrainProcess, KilledAmidEvaluationsItGoesOnBitForBit) {
  // One checkpoint besides the best, so that a lost one is detected; a SIGTERM leaves a step whose evaluation
  // is still due, and whose checkpoint may then be replaced.
  const std::vector<std::string> evaluating{"data.validation=" + (folder_ / "pairs.json").string(),
                                            "evaluation.every_steps=1",
                                            "evaluation.samples=1",
                                            "evaluation.generation.max_new_tokens=2",
                                            "checkpoint.keep_last=1",
                                            "--quiet"};
  ASSERT_EQ(train("whole", evaluating).exit_code, 0);
  std::mt19937 chance(4);
  int kills = 0;
  for (int attempt = 0; attempt < 15; ++attempt) {
    const int signal = attempt % 3 == 2 ? SIGTERM : SIGKILL;
    Process process(command("cut", evaluating));
    wait_for_chance(chance, [&] { return logged_steps("cut"); });
    process.signal(signal);
    kills += process.wait().exit_code == 128 + SIGKILL ? 1 : 0;
  }
  EXPECT_GE(kills, 7);
  const auto last = train("cut", evaluating);
  ASSERT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(last.err, "");
  expect_same_outcome("cut", "whole");
  EXPECT_EQ(scores("cut"), scores("whole"));
  EXPECT_EQ(scores("cut").size(), 24U);
  const auto log = content(folder_ / "cut/log.jsonl");
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 24 + 24 + notes("cut"));
  EXPECT_EQ(std::filesystem::read_symlink(folder_ / "cut/best"),
            std::filesystem::read_symlink(folder_ / "whole/best"));
}

TEST_F(TrainProcess, BySigtermAmidAnEvaluationItSavesAndGoesOn) {
  // An evaluation that takes minutes.
  const std::vector<std::string> evaluating{"data.validation=" + (folder_ / "many.json").string(),
                                            "evaluation.every_steps=3", "evaluation.batch_size=1",
                                            "batch.max_steps=6"};
  auto pairs = nlohmann::json::parse(content(folder_ / "pairs.json"));
  nlohmann::json many = nlohmann::json::array();
  for (int i = 0; i < 4000; ++i) {
    many.push_back(pairs[static_cast<size_t>(i % 5)]);
    many.back()["uid"] = std::to_string(i);
  }
  folder_.write("many.json", many.dump());
  Process process(command("cut", evaluating));
  ASSERT_TRUE(happens_within(milliseconds(20'000), [&] { return logged_steps("cut") >= 3; }));
  const auto start = std::chrono::steady_clock::now();
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait().exit_code, 128 + SIGTERM);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_EQ(logged_steps("cut"), 3U);
  EXPECT_TRUE(scores("cut").empty());
  EXPECT_TRUE(std::filesystem::exists(folder_ / "cut/checkpoints/step-00000003/manifest.json"));
}

TEST_F(TrainProcess, KilledRanksGoOnBitForBit) {
  const std::vector<std::string> two{"--nproc", "2", "--quiet"};
  ASSERT_EQ(train("whole", two).exit_code, 0);
  std::mt19937 chance(3);
  for (int attempt = 0; attempt < 5; ++attempt) {
    Process process(command("cut", two));
    wait_for_chance(chance, [&] { return logged_steps("cut"); });
    const auto launchers = children_of(::getpid());
    ASSERT_EQ(launchers.size(), 1U);
    auto ranks = children_of(launchers.front());
    process.signal(SIGKILL);
    // As in a machine failure: no process can do anything more.
    for (const pid_t rank : ranks) ::kill(rank, SIGKILL);
    EXPECT_EQ(process.wait().exit_code, 128 + SIGKILL);
    EXPECT_TRUE(
        happens_within(milliseconds(5000), [&] { return std::none_of(ranks.begin(), ranks.end(), runs); }));
  }
  const auto last = train("cut", two);
  ASSERT_EQ(last.exit_code, 0) << last.err;
  expect_same_outcome("cut", "whole");
}

TEST_F(TrainProcess, ItsRanksEndWithAKilledLauncher) {
  const std::vector<std::string> options{"--nproc", "2", "--quiet", "checkpoint.every_steps=0"};
  Process process(command("run", options));
  ASSERT_TRUE(happens_within(milliseconds(20'000), [&] { return logged_steps("run") >= 2; }));
  const auto ranks = children_of(children_of(::getpid()).at(0));
  EXPECT_EQ(ranks.size(), 2U);
  process.signal(SIGKILL);
  EXPECT_TRUE(
      happens_within(milliseconds(10'000), [&] { return std::none_of(ranks.begin(), ranks.end(), runs); }));
  EXPECT_TRUE(std::filesystem::exists(
      folder_ / fmt::format("run/checkpoints/step-{:08}/manifest.json", logged_steps("run"))));
  EXPECT_EQ(train("run", options).exit_code, 0);
}

class Stopped : public TrainProcess, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, Stopped, ::testing::Values(0, 2),
                         [](const auto& ranks) { return "nproc" + std::to_string(ranks.param); });

TEST_P(Stopped, BySigtermItSavesAndGoesOn) {
  std::vector<std::string> options{"checkpoint.every_steps=0"};
  if (GetParam() > 0) options.insert(options.end(), {"--nproc", std::to_string(GetParam())});
  ASSERT_EQ(train("whole", options).exit_code, 0);
  Process process(command("cut", options));
  ASSERT_TRUE(happens_within(milliseconds(20'000), [&] { return logged_steps("cut") >= 3; }));
  process.signal(SIGTERM);
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
  const auto steps = logged_steps("cut");
  EXPECT_LT(steps, 24U);
  EXPECT_TRUE(
      std::filesystem::exists(folder_ / fmt::format("cut/checkpoints/step-{:08}/manifest.json", steps)));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "cut/finished"));
  const auto resumed = train("cut", options);
  EXPECT_EQ(resumed.exit_code, 0);
  EXPECT_THAT(resumed.err, HasSubstr(fmt::format("continuing after step {}", steps)));
  expect_same_outcome("cut", "whole");
}

TEST_P(Stopped, BySigtermItEndsThoughItsListNeverComes) {
  const auto list = folder_ / "never.json";
  ASSERT_EQ(::mkfifo(list.c_str(), 0600), 0);
  std::vector<std::string> options{"--quiet", "data.train=" + list.string()};
  if (GetParam() > 0) options.insert(options.end(), {"--nproc", std::to_string(GetParam())});
  Process process(command("run", options));
  const HeldPipe held(list, process);
  EXPECT_EQ(exit_code_soon_after_sigterm(process), 128 + SIGTERM);
}

TEST_F(TrainProcess, SigtermToTheLauncherAndItsRanksSavesToo) {
  // Like a scheduler that signals every process of a job, while the launcher forwards its own signal.
  const std::vector<std::string> options{"checkpoint.every_steps=0", "--nproc", "2",
                                         "batch.max_steps=100000"};
  Process process(command("run", options));
  ASSERT_TRUE(happens_within(milliseconds(20'000), [&] { return logged_steps("run") >= 2; }));
  const auto ranks = children_of(children_of(::getpid()).at(0));
  ASSERT_EQ(ranks.size(), 2U);
  process.signal(SIGTERM);
  for (const pid_t rank : ranks) ::kill(rank, SIGTERM);
  EXPECT_EQ(process.wait().exit_code, 128 + SIGTERM);
  EXPECT_TRUE(std::filesystem::exists(
      folder_ / fmt::format("run/checkpoints/step-{:08}/manifest.json", logged_steps("run"))));
}

TEST_F(TrainProcess, AStoppedRankEndsTheRunAndIsNamed) {
  Process process(command("run", {"--nproc", "2", "batch.max_steps=100000"}));
  ASSERT_TRUE(happens_within(milliseconds(20'000), [&] { return logged_steps("run") >= 2; }));
  const auto ranks = children_of(children_of(::getpid()).at(0));
  ASSERT_EQ(ranks.size(), 2U);
  ::kill(ranks[1], SIGSTOP);
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("rank 1 shows no sign of life"));
  EXPECT_THAT(result.err, HasSubstr("rank 1 did not exit after the failure"));
  EXPECT_TRUE(std::none_of(ranks.begin(), ranks.end(), runs));
}

TEST_F(TrainProcess, AKilledRankEndsTheRunAndIsNamed) {
  Process process(command("run", {"--nproc", "3", "batch.global=3", "batch.max_steps=100000"}));
  ASSERT_TRUE(happens_within(milliseconds(20'000), [&] { return logged_steps("run") >= 2; }));
  const auto ranks = children_of(children_of(::getpid()).at(0));
  ASSERT_EQ(ranks.size(), 3U);
  ::kill(ranks[1], SIGKILL);
  const auto start = std::chrono::steady_clock::now();
  const auto result = process.wait();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  EXPECT_EQ(result.exit_code, 128 + SIGKILL);
  EXPECT_THAT(result.err, HasSubstr("rank 1 shows no sign of life"));
  EXPECT_THAT(result.err, ::testing::Not(HasSubstr("rank 0 shows no sign of life")));
  EXPECT_TRUE(std::none_of(ranks.begin(), ranks.end(), runs));
}

TEST_F(TrainProcess, AnErrorOfOneRankEndsAllSoon) {
  std::filesystem::remove(folder_ / "4-after.png");
  const auto start = std::chrono::steady_clock::now();
  const auto result = train("run", {"--nproc", "2", "--quiet"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("4-after.png"));
  // There are no stack traces of c10d.
  std::istringstream lines(result.err);
  for (std::string line; std::getline(lines, line);) EXPECT_THAT(line, StartsWith("ccexpert-train: "));
}

TEST_F(TrainProcess, AFinishedRunIsLeftAsItIs) {
  const std::vector<std::string> options{"batch.max_steps=2"};
  ASSERT_EQ(train("run", options).exit_code, 0);
  const auto before = outcome("run");
  const auto again = train("run", options);
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err, HasSubstr("is finished already"));
  EXPECT_EQ(outcome("run"), before);
}

TEST_F(TrainProcess, StagesFollowOneAnother) {
  std::ofstream(config_, std::ios::app) << R"(stages:
  - name: first
    optimizer: {parameters: [{pattern: "model.vision_resampler.*"}]}
  - name: second
)";
  const auto result = train("run", {"batch.max_steps=2"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/first/finished"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run/second/best/model.safetensors"));
  EXPECT_THAT(content(folder_ / "run/second/best/config.yaml"), HasSubstr("run/first/best"));
}

TEST_F(TrainProcess, AStageDoesNotStartFromDamagedWeights) {
  std::ofstream(config_, std::ios::app) << "stages: [{name: first}, {name: second}]\n";
  ASSERT_EQ(train("run", {"batch.max_steps=2"}).exit_code, 0);
  std::filesystem::remove_all(folder_ / "run/second");
  const auto weights = folder_ / "run/first/best/model.safetensors";
  {
    std::fstream file(weights, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(-4, std::ios::end);
    file << "oops";
  }
  const auto result = train("run", {"batch.max_steps=2", "--quiet"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("model.safetensors: its content is not what was written"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/second/finished"));
}

TEST_F(TrainProcess, ARunThatNeverUpdatesFails) {
  const auto start = folder_ / "start";
  std::filesystem::copy(std::filesystem::path(test::kTestData) / "checkpoint-tiny", start,
                        std::filesystem::copy_options::recursive);
  spoil_numbers(start / "model-00002-of-00002.safetensors");
  const auto result = train("run", {"batch.max_steps=3", "model.start=" + start.string()});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("none of its 3 steps had finite gradients"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/finished"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/best"));
}

TEST_F(TrainProcess, ADivergedRunFailsHoweverOftenItIsStarted) {
  const std::vector<std::string> diverging{"data.validation=" + (folder_ / "pairs.json").string(),
                                           "evaluation.every_steps=2",
                                           "evaluation.metric=s_star_m",
                                           "batch.max_steps=5",
                                           "optimizer.learning_rate=1e8",
                                           "optimizer.clip_norm=0",
                                           "optimizer.warmup_ratio=0",
                                           "--quiet"};
  for (int start = 0; start < 2; ++start) {
    const auto result = train("run", diverging);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("no evaluation gave a finite s_star_m"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run/finished"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "run/best"));
  }
}

TEST_F(TrainProcess, FreshWeightsAreDrawnWhateverTheStartHolds) {
  ASSERT_EQ(train("whole", {"batch.max_steps=2"}).exit_code, 0);
  const std::vector<std::string> fresh{"batch.max_steps=1", "model.fresh=true", "--quiet"};
  auto again = fresh;
  again.push_back("model.start=" + (folder_ / "whole/best").string());
  ASSERT_EQ(train("first", fresh).exit_code, 0);
  ASSERT_EQ(train("second", again).exit_code, 0);
  EXPECT_EQ(outcome("first").at("model.safetensors"), outcome("second").at("model.safetensors"));
}

TEST_F(TrainProcess, WrongArgumentsExitWith2) {
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"--nproc", "0"}, {"--config"}, {"batch.micro"}, {"--frobnicate"}}) {
    const auto result = train("run", wrong);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, AllOf(StartsWith("ccexpert-train: "), HasSubstr("See ccexpert-train --help.")));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 2);
    EXPECT_EQ(result.out, "");
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
}

TEST_F(TrainProcess, ErrorsOfTheConfigNameFileLineAndKey) {
  const auto first_line = [&](const std::string& yaml, std::vector<std::string> more = {}) {
    std::ofstream(config_) << yaml;
    const auto result = train("run", std::move(more));
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    return result.err;
  };
  const auto place = [&](int line, const char* key) {
    return fmt::format("ccexpert-train: {}:{}: {}", config_.string(), line, key);
  };
  EXPECT_THAT(first_line("device: cpu\nbatch:\n  globl: 3\n"), StartsWith(place(3, "batch.globl")));
  EXPECT_THAT(first_line("device: cpu\nbatch: {micro: few}\n", {"--nproc", "2"}),
              StartsWith(place(2, "batch.micro: expected an integer, got 'few'")));
  EXPECT_THAT(first_line("device: cpu\n"), HasSubstr("model.start: expected a checkpoint folder"));
  EXPECT_THAT(first_line("model: {start: x}\ndevice: gpu\n"),
              StartsWith(place(2, "device: expected cpu, cuda,")));
  const auto base =
      fmt::format("model: {{start: {}/checkpoint-tiny}}\ndata: {{train: x.json}}\n", test::kTestData);
  EXPECT_THAT(first_line(base + "optimizer: {learning_rate: .inf}\n"),
              StartsWith(place(3, "optimizer.learning_rate: expected at most 1000000000, got inf")));
  EXPECT_THAT(first_line(base + "batch: {epochs: 1e300}\n"),
              StartsWith(place(3, "batch.epochs: expected at most 1000000000")));
  EXPECT_THAT(first_line(base + "memory_gb: -1\n"), StartsWith(place(3, "memory_gb: expected at least 0")));
  EXPECT_THAT(first_line("device: [\n"), HasSubstr(config_.string() + ":"));
  EXPECT_THAT(first_line("model: {start: /none}\ndata: {train: /none.json}\n"), HasSubstr("/none"));
}

TEST_F(TrainProcess, ThePlanTrainsNothing) {
  const auto plan = train("run", {"--plan", "--ranks", "2", "batch.max_steps=0"});
  EXPECT_EQ(plan.exit_code, 0);
  EXPECT_THAT(plan.out,
              AllOf(HasSubstr("train on 2 ranks"), HasSubstr("5 samples in 3 steps; 3 steps in all")));
  const auto refused = train("run", {"--plan", "memory_gb=0.001"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.out, HasSubstr("does not fit: 0.00 GB available"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
}

TEST_F(TrainProcess, APlanNeedsNoBaseThatIsStillToBeDownloaded) {
  const auto plan = [](const std::string& name) {
    return run_process({CCEXPERT_TRAIN, "--config", std::string(test::kSourceDir) + "/configs/" + name,
                        "--plan", "--ranks", "8"});
  };
  for (const char* name : {"ccexpert-0.5b.yaml", "ccexpert-7b.yaml"}) {
    const auto result = plan(name);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("on 8 ranks"));
  }
}

}  // namespace
}  // namespace ccexpert::test

// Ranks of ccexpert-train that wait for each other, and ranks with different settings.
#include <csignal>

#include "tools/killed_process.h"
#include "tools/local_socket.h"
#include "tools/train_fixture.h"

namespace ccexpert::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;

constexpr seconds kSoon(60);

class TrainRanks : public TrainProcess {
 protected:
  /// Returns the command line of one of two ranks, as a launcher would start it.
  std::vector<std::string> rank(int rank, int port, const std::vector<std::string>& more,
                                const std::string& master = "127.0.0.1") const {
    std::vector<std::string> arguments{"/usr/bin/env", fmt::format("RANK={}", rank), "WORLD_SIZE=2",
                                       "MASTER_ADDR=" + master, fmt::format("MASTER_PORT={}", port)};
    const auto own = command("run", more);
    arguments.insert(arguments.end(), own.begin(), own.end());
    return arguments;
  }
};

const std::vector<std::string> kPatient{"distributed.timeout_seconds=600"};

TEST_F(TrainRanks, SigtermEndsTheWaitForTheOthers) {
  const int port = free_port();
  Process process(rank(0, port, kPatient));
  wait_until(process, [&] { return process.err().find("waiting for rank 1") != std::string::npos; });
  const auto start = Clock::now();
  process.signal(SIGTERM);
  const auto result = process.wait();
  EXPECT_LT(Clock::now() - start, kSoon);
  EXPECT_EQ(result.exit_code, 128 + SIGTERM);
  EXPECT_THAT(result.err,
              HasSubstr("start of the run: 1 of 2 ranks have joined, waiting for rank 1 (at most 600 s)\n"));
  EXPECT_THAT(result.err,
              HasSubstr("start of the run: rank 0 was told to stop while it waited for rank 1 (1 of 2 "
                        "ranks have joined)\n"));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 2) << result.err;
}

TEST_F(TrainRanks, SigtermEndsTheWaitForASilentPort) {
  LocalSocket silent;
  Process process(rank(1, silent.listen(), kPatient));
  wait_until(process, [&] { return silent.is_asked(); });
  const auto start = Clock::now();
  process.signal(SIGTERM);
  const auto result = process.wait();
  EXPECT_LT(Clock::now() - start, kSoon);
  EXPECT_EQ(result.exit_code, 128 + SIGTERM);
}

TEST_F(TrainRanks, TheTimeoutHoldsAtASilentPort) {
  LocalSocket silent;
  const auto start = Clock::now();
  const auto result = run_process(rank(1, silent.listen(), {"distributed.timeout_seconds=2"}));
  EXPECT_LT(Clock::now() - start, kSoon);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              HasSubstr("expected rank 0 to listen there within 2000 ms, got a program that does not "
                        "answer as rank 0 does"));
}

TEST_F(TrainRanks, AMasterThatDoesNotExistIsSaidAtOnce) {
  for (const int which : {0, 1}) {
    const auto start = Clock::now();
    const auto result = run_process(rank(which, free_port(), kPatient, "no such host"));
    EXPECT_LT(Clock::now() - start, kSoon);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err,
                StartsWith("ccexpert-train: MASTER_ADDR: expected a name or an address of rank 0's "
                           "machine, got 'no such host'"));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

TEST_F(TrainRanks, AnotherConfigIsNamedByBoth) {
  for (const char* other : {"seed=7", "batch.micro=2", "distributed.bucket_mb=2", "model.dtype=bfloat16"}) {
    const int port = free_port();
    Process first(rank(0, port, {"--quiet"}));
    Process second(rank(1, port, {"--quiet", other}));
    const std::string key = std::string(other).substr(0, std::string(other).find('='));
    for (auto* process : {&first, &second}) {
      const auto result = process->wait();
      EXPECT_EQ(result.exit_code, 1);
      EXPECT_THAT(result.err, StartsWith("ccexpert-train: rank 1: " + key + ": expected "));
      EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    }
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run"));
}

TEST_F(TrainRanks, ASignalDuringACollectiveHasItsDeadline) {
  Process process(command("run", {"--nproc", "2", "batch.max_steps=100000", "distributed.timeout_seconds=600",
                                  "distributed.stop_seconds=2"}));
  ASSERT_TRUE(happens_within(milliseconds(30'000), [&] { return logged_steps("run") >= 2; }));
  const auto ranks = children_of(children_of(::getpid()).at(0));
  ASSERT_EQ(ranks.size(), 2U);
  ::kill(ranks[1], SIGSTOP);
  std::this_thread::sleep_for(milliseconds(500));
  const auto start = Clock::now();
  process.signal(SIGTERM);
  const auto result = process.wait();
  EXPECT_LT(Clock::now() - start, kSoon + seconds(30));
  EXPECT_EQ(result.exit_code, 128 + SIGTERM);
  EXPECT_THAT(result.err, HasSubstr("rank 1 shows no sign of life"));
  EXPECT_TRUE(std::none_of(ranks.begin(), ranks.end(), runs));
}

TEST_F(TrainRanks, ASignalToOneRankIsAnUnfinishedRunForAll) {
  const int port = free_port();
  const std::vector<std::string> options{"--quiet", "batch.max_steps=100000"};
  Process first(rank(0, port, options)), second(rank(1, port, options));
  ASSERT_TRUE(happens_within(milliseconds(30'000), [&] { return logged_steps("run") >= 2; }));
  second.signal(SIGTERM);
  EXPECT_EQ(first.wait().exit_code, 128 + SIGTERM);
  EXPECT_EQ(second.wait().exit_code, 128 + SIGTERM);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "run/finished"));
}

TEST_F(TrainRanks, TwoTrainingsInOneFolderAreRefused) {
  Process first(command("run", {"batch.max_steps=100000"}));
  ASSERT_TRUE(happens_within(milliseconds(30'000), [&] { return logged_steps("run") >= 2; }));
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--quiet"}, {"--quiet", "--nproc", "2"}}) {
    const auto second = train("run", more);
    EXPECT_EQ(second.exit_code, 1);
    EXPECT_THAT(second.err, HasSubstr("run: another training writes here (process "));
  }
  first.signal(SIGKILL);
  EXPECT_EQ(first.wait().exit_code, 128 + SIGKILL);
  const auto next = train("run", {fmt::format("batch.max_steps={}", logged_steps("run") + 1)});
  EXPECT_EQ(next.exit_code, 0) << next.err;
}

TEST_F(TrainRanks, ARunThatIsStoppedAmidItsLastEvaluationEndsWithTheSameState) {
  const std::vector<std::string> evaluating{"data.validation=" + (folder_ / "pairs.json").string(),
                                            "evaluation.every_steps=1",
                                            "evaluation.batch_size=1",
                                            "evaluation.generation.max_new_tokens=2",
                                            "batch.max_steps=4",
                                            "--quiet"};
  ASSERT_EQ(train("whole", evaluating).exit_code, 0);
  for (int round = 0; round < 12; ++round) {
    Process process(command("cut", evaluating));
    const auto before = logged_steps("cut");
    // A finished run logs no further step.
    happens_within(seconds(20), [&] { return logged_steps("cut") > before || !runs(process.id()); });
    std::this_thread::sleep_for(milliseconds(5 * round));
    process.signal(round % 2 == 0 ? SIGTERM : SIGKILL);
    process.wait();
  }
  ASSERT_EQ(train("cut", evaluating).exit_code, 0);
  const auto state = [&](const std::string& run) {
    return content(folder_ / run / "checkpoints/step-00000004/trainer.json");
  };
  EXPECT_EQ(state("cut"), state("whole"));
  EXPECT_NE(state("whole"), "");
}

}  // namespace
}  // namespace ccexpert::test

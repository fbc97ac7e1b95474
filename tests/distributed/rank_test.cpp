// Rank of a process from the variables of each launcher.
#include "distributed/shared/rank.h"

#include <cstdlib>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::distributed {
namespace {

using ::testing::HasSubstr;

constexpr const char* kVariables[] = {"RANK",
                                      "WORLD_SIZE",
                                      "LOCAL_RANK",
                                      "LOCAL_WORLD_SIZE",
                                      "MASTER_ADDR",
                                      "MASTER_PORT",
                                      "SLURM_PROCID",
                                      "SLURM_STEP_NUM_TASKS",
                                      "SLURM_LOCALID",
                                      "SLURM_STEP_TASKS_PER_NODE",
                                      "SLURM_STEP_NODELIST",
                                      "OMPI_COMM_WORLD_RANK",
                                      "OMPI_COMM_WORLD_SIZE",
                                      "OMPI_COMM_WORLD_LOCAL_RANK",
                                      "OMPI_COMM_WORLD_LOCAL_SIZE",
                                      "PMI_RANK",
                                      "PMI_SIZE",
                                      "MPI_LOCALRANKID",
                                      "MPI_LOCALNRANKS",
                                      "CCEXPERT_RUN",
                                      "TORCHELASTIC_RUN_ID",
                                      "TORCHELASTIC_RESTART_COUNT",
                                      "TORCHELASTIC_USE_AGENT_STORE",
                                      "SLURM_JOB_ID"};

class RankFromEnvironment : public ::testing::Test {
 protected:
  RankFromEnvironment() { clear(); }
  ~RankFromEnvironment() override { clear(); }

  static void clear() {
    for (const char* name : kVariables) ::unsetenv(name);
  }
  static Rank with(const std::map<std::string, std::string>& variables) {
    clear();
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
    return rank_from_environment();
  }
  static std::string refusal(const std::map<std::string, std::string>& variables) {
    return test::error_of([&] { with(variables); });
  }
};

TEST_F(RankFromEnvironment, AloneWithoutALauncher) {
  const auto rank = with({{"WORLD_SIZE", "4"}, {"MASTER_PORT", "1"}});  // RANK decides
  EXPECT_EQ(rank.rank, 0);
  EXPECT_EQ(rank.size, 1);
  EXPECT_EQ(rank.local_rank, 0);
  EXPECT_EQ(rank.local_size, 1);
  EXPECT_FALSE(rank.launched);
}

TEST_F(RankFromEnvironment, ALauncherMayStartOneAlone) {
  const auto rank = with({{"RANK", "0"}, {"WORLD_SIZE", "1"}});
  EXPECT_EQ(rank.size, 1);
  EXPECT_TRUE(rank.launched);
}

TEST_F(RankFromEnvironment, ASlurmBatchScriptIsOneProcess) {
  // Variables that sbatch sets without srun.
  const auto rank = with({{"SLURM_PROCID", "0"}, {"SLURM_LOCALID", "0"}, {"SLURM_NTASKS", "8"}});
  EXPECT_EQ(rank.size, 1);
  EXPECT_FALSE(rank.launched);
  EXPECT_EQ(with({{"SLURM_PROCID", "0"}, {"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "2"}}).rank,
            1);
}

TEST_F(RankFromEnvironment, OfAnotherMpi) {
  const auto rank = with({{"PMI_RANK", "3"},
                          {"PMI_SIZE", "4"},
                          {"MPI_LOCALRANKID", "1"},
                          {"MPI_LOCALNRANKS", "2"},
                          {"MASTER_ADDR", "node1"}});
  EXPECT_EQ(rank.rank, 3);
  EXPECT_EQ(rank.size, 4);
  EXPECT_EQ(rank.local_rank, 1);
  EXPECT_EQ(rank.local_size, 2);
  EXPECT_EQ(with({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}).local_rank, 1);
}

TEST_F(RankFromEnvironment, SeveralMachinesNeedTheFirstOnesAddress) {
  EXPECT_EQ(
      refusal({{"OMPI_COMM_WORLD_RANK", "2"},
               {"OMPI_COMM_WORLD_SIZE", "16"},
               {"OMPI_COMM_WORLD_LOCAL_RANK", "2"},
               {"OMPI_COMM_WORLD_LOCAL_SIZE", "8"}}),
      "MASTER_ADDR: expected the address of rank 0's machine, as 8 of 16 ranks run on this one, got nothing "
      "(as mpirun -x MASTER_ADDR=HOST does)");
}

TEST_F(RankFromEnvironment, OfTorchrun) {
  const auto rank = with({{"RANK", "5"},
                          {"WORLD_SIZE", "8"},
                          {"LOCAL_RANK", "1"},
                          {"LOCAL_WORLD_SIZE", "4"},
                          {"MASTER_ADDR", "node7"},
                          {"MASTER_PORT", "1234"}});
  EXPECT_EQ(rank.rank, 5);
  EXPECT_EQ(rank.size, 8);
  EXPECT_EQ(rank.local_rank, 1);
  EXPECT_EQ(rank.local_size, 4);
  EXPECT_EQ(rank.master_address, "node7");
  EXPECT_EQ(rank.master_port, 1234);
}

TEST_F(RankFromEnvironment, OfSlurm) {
  const auto rank = with({{"SLURM_PROCID", "9"},
                          {"SLURM_STEP_NUM_TASKS", "16"},
                          {"SLURM_LOCALID", "1"},
                          {"SLURM_STEP_TASKS_PER_NODE", "8(x2)"},
                          {"SLURM_STEP_NODELIST", "gpu[03-04,9]"}});
  EXPECT_EQ(rank.rank, 9);
  EXPECT_EQ(rank.size, 16);
  EXPECT_EQ(rank.local_rank, 1);
  EXPECT_EQ(rank.local_size, 8);
  EXPECT_EQ(rank.master_address, "gpu03");
  EXPECT_EQ(rank.master_port, 29500);
}

TEST_F(RankFromEnvironment, FirstMachineOfSlurmsLists) {
  const auto first = [](const std::string& list) {
    return with({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_STEP_NODELIST", list}})
        .master_address;
  };
  EXPECT_EQ(first("node1"), "node1");
  EXPECT_EQ(first("node1,node2"), "node1");
  EXPECT_EQ(first("a1,b[2-3]"), "a1");
  EXPECT_EQ(first("node[7,9]"), "node7");
  EXPECT_EQ(first("node[7]"), "node7");
}

TEST_F(RankFromEnvironment, OfOpenMpi) {
  const auto rank = with({{"OMPI_COMM_WORLD_RANK", "2"},
                          {"OMPI_COMM_WORLD_SIZE", "3"},
                          {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                          {"OMPI_COMM_WORLD_LOCAL_SIZE", "1"},
                          {"MASTER_ADDR", "10.0.0.1"}});
  EXPECT_EQ(rank.rank, 2);
  EXPECT_EQ(rank.size, 3);
  EXPECT_EQ(rank.local_rank, 0);
  EXPECT_EQ(rank.local_size, 1);
  EXPECT_EQ(rank.master_address, "10.0.0.1");
}

TEST_F(RankFromEnvironment, TorchrunComesBeforeSlurmAndOpenMpi) {
  const auto rank = with({{"RANK", "1"},
                          {"WORLD_SIZE", "2"},
                          {"SLURM_PROCID", "0"},
                          {"SLURM_STEP_NUM_TASKS", "1"},
                          {"OMPI_COMM_WORLD_RANK", "0"}});
  EXPECT_EQ(rank.rank, 1);
  EXPECT_EQ(rank.size, 2);
}

TEST_F(RankFromEnvironment, OneMachineWhereNothingIsSaid) {
  const auto rank = with({{"RANK", "1"}, {"WORLD_SIZE", "2"}});
  EXPECT_EQ(rank.local_rank, 1);
  EXPECT_EQ(rank.local_size, 2);
  EXPECT_EQ(rank.master_address, "127.0.0.1");
  EXPECT_EQ(rank.master_port, 29500);
}

TEST_F(RankFromEnvironment, MissingVariablesAreNamed) {
  EXPECT_EQ(refusal({{"RANK", "1"}}), "WORLD_SIZE: expected a number, as RANK is set, got nothing");
  EXPECT_EQ(refusal({{"RANK", "1"}, {"WORLD_SIZE", ""}}),
            "WORLD_SIZE: expected a number, as RANK is set, got nothing");
  EXPECT_THAT(refusal({{"OMPI_COMM_WORLD_RANK", "1"}}), HasSubstr("OMPI_COMM_WORLD_SIZE: expected"));
  EXPECT_THAT(refusal({{"PMI_RANK", "1"}}), HasSubstr("PMI_SIZE: expected a number"));
}

TEST_F(RankFromEnvironment, BadVariablesAreNamed) {
  EXPECT_EQ(refusal({{"RANK", "first"}, {"WORLD_SIZE", "2"}}),
            "RANK: expected a number of at least 0, got 'first'");
  for (const char* bad : {"-1", "1x", "1.5", " 1", "99999999999"}) {
    EXPECT_EQ(refusal({{"RANK", "0"}, {"WORLD_SIZE", bad}}),
              std::string("WORLD_SIZE: expected a number of at least 0, got '") + bad + "'");
  }
  EXPECT_EQ(refusal({{"RANK", "2"}, {"WORLD_SIZE", "2"}}), "RANK: expected below WORLD_SIZE (2), got 2");
  EXPECT_EQ(refusal({{"RANK", "0"}, {"WORLD_SIZE", "0"}}), "RANK: expected below WORLD_SIZE (0), got 0");
  const std::map<std::string, std::string> good{{"RANK", "0"}, {"WORLD_SIZE", "2"}};
  for (const auto& [name, bad] :
       {std::pair{"MASTER_PORT", "none"}, {"LOCAL_RANK", "a"}, {"LOCAL_WORLD_SIZE", "b"}}) {
    auto variables = good;
    variables[name] = bad;
    EXPECT_EQ(refusal(variables), std::string(name) + ": expected a number of at least 0, got '" + bad + "'");
  }
}

TEST_F(RankFromEnvironment, OutOfRangeIsRefused) {
  EXPECT_EQ(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"MASTER_PORT", "70000"}}),
            "MASTER_PORT: expected 1 to 65535, got 70000");
  EXPECT_EQ(refusal({{"RANK", "0"}, {"WORLD_SIZE", "2"}, {"LOCAL_RANK", "2"}, {"LOCAL_WORLD_SIZE", "2"}}),
            "LOCAL_RANK: expected below LOCAL_WORLD_SIZE (2), got 2");
}

TEST_F(RankFromEnvironment, TheRunIsNamedByItsLauncher) {
  const std::map<std::string, std::string> torchrun{{"RANK", "1"}, {"WORLD_SIZE", "2"}};
  const auto name = [](std::map<std::string, std::string> variables,
                       const std::map<std::string, std::string>& more) {
    variables.insert(more.begin(), more.end());
    return with(variables).run;
  };
  EXPECT_EQ(name(torchrun, {}), "");
  EXPECT_EQ(name(torchrun, {{"TORCHELASTIC_RUN_ID", "a"}}), "a");
  EXPECT_NE(name(torchrun, {{"TORCHELASTIC_RUN_ID", "a"}, {"TORCHELASTIC_RESTART_COUNT", "1"}}),
            name(torchrun, {{"TORCHELASTIC_RUN_ID", "a"}, {"TORCHELASTIC_RESTART_COUNT", "2"}}));
  EXPECT_EQ(name(torchrun, {{"CCEXPERT_RUN", "b"}, {"TORCHELASTIC_RUN_ID", "a"}}), "b");
  EXPECT_EQ(name({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}}, {{"SLURM_JOB_ID", "12"}}), "12");
  EXPECT_FALSE(with(torchrun).store_runs);
  auto with_store = torchrun;
  with_store["TORCHELASTIC_USE_AGENT_STORE"] = "True";
  EXPECT_TRUE(with(with_store).store_runs);
}

TEST(ThreadsOfARank, AreAShareOfTheMachineUnlessAsked) {
  EXPECT_EQ(threads_of({.size = 2, .local_size = 1}, 0), 0) << "all cores";
  EXPECT_EQ(threads_of({.size = 2, .local_size = 2}, 3), 3);
  EXPECT_EQ(threads_of({.size = 4096, .local_size = 4096}, 0), 1);
}

}  // namespace
}  // namespace ccexpert::distributed

/// Which of a run's processes this one is.
#pragma once

#include <string>

namespace ccexpert::distributed {

struct Rank {
  int rank = 0;
  int size = 1;
  int local_rank = 0;  ///< among the ranks of this machine: its GPU
  int local_size = 1;
  bool launched = false;  ///< a launcher's variables said so, even of one process alone
  std::string master_address = "127.0.0.1";
  int master_port = 29500;
  std::string run = {};     ///< tells the ranks of a run from those of others; may be empty
  bool store_runs = false;  ///< the launcher listens at the master's port, for the first rank
};

/// From the environment of torchrun (RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR,
/// MASTER_PORT), Slurm (SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID), OpenMPI (OMPI_COMM_WORLD_RANK,
/// _SIZE, _LOCAL_RANK) or another MPI (PMI_RANK, PMI_SIZE, MPI_LOCALRANKID), in this order; one process alone
/// where there is none. `run` is CCEXPERT_RUN, or what torchrun and Slurm call it. A batch script of Slurm
/// without srun is one process too. Throws Error for a variable that is missing beside others, is no number
/// or is out of range, and where ranks of several machines do not know the first one's address.
Rank rank_from_environment();

}  // namespace ccexpert::distributed

/// Position of this process among the processes of a run.
#pragma once

#include <string>

namespace ccexpert::distributed {

struct Rank {
  int rank = 0;
  int size = 1;
  int local_rank = 0;  ///< index on this machine, and of its GPU
  int local_size = 1;
  bool launched = false;  ///< a launcher's variables are set, even for a single process
  std::string master_address = "127.0.0.1";
  int master_port = 29500;
  std::string run = {};     ///< name that separates the ranks of concurrent runs; may be empty
  bool store_runs = false;  ///< the launcher, not rank 0, listens on the master port
};

/// Reads the environment of torchrun (RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR,
/// MASTER_PORT), Slurm (SLURM_PROCID, SLURM_STEP_NUM_TASKS, SLURM_LOCALID), OpenMPI (OMPI_COMM_WORLD_RANK,
/// _SIZE, _LOCAL_RANK) or another MPI (PMI_RANK, PMI_SIZE, MPI_LOCALRANKID), in this order. Returns a single
/// process if none is set. `run` is CCEXPERT_RUN, or the run id of torchrun or Slurm. A Slurm batch script
/// without srun is a single process too. Throws Error for an incomplete set of variables, for a value that is
/// not a number or out of range, and if a run on several machines does not set the address of rank 0.
Rank rank_from_environment();

/// Returns the threads of a CPU operator on this rank: those that were asked for; else an equal share of the
/// machine's cores, or 0 (all of them) if no other rank is on this machine.
int threads_of(const Rank& rank, int asked);

}  // namespace ccexpert::distributed

/// Requirements of a stage, computed without training it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ccexpert/train/config.h>

namespace ccexpert::train {

struct PlanPart {
  std::string name;
  int64_t parameters = 0;
  int64_t trained = 0;
};

/// Memory in bytes on one rank.
struct PlanMemory {
  double weights = 0.0;
  double gathered = 0.0;     ///< weights of other ranks' shards during a pass, at most (ZeRO stage 3)
  double gradients = 0.0;    ///< accumulated, and buckets in flight
  double optimizer = 0.0;    ///< AdamW's moments and float32 weights
  double activations = 0.0;  ///< an estimate
  double available = 0.0;    ///< of the device (0: unknown)

  double total() const { return weights + gathered + gradients + optimizer + activations; }
};

/// A ZeRO stage on GPUs.
struct PlanChoice {
  int zero = 0;
  PlanMemory memory;    ///< on the plan's number of ranks
  int fewest_gpus = 0;  ///< smallest power of two that fits (0: none)
};

struct Plan {
  std::string name;
  int ranks = 1;
  std::vector<PlanPart> parts;
  PlanMemory memory;
  double communication = 0.0;  ///< bytes that a rank sends per step
  double flops = 0.0;          ///< per step, on all ranks
  int64_t samples = 0;         ///< per epoch (0: the data does not exist yet)
  int64_t steps_per_epoch = 0;
  int64_t steps = 0;
  int64_t accumulation = 1;              ///< largest number of micro-batches of a rank per step
  std::string idle = {};                 ///< warning if ranks are idle at the end of a step
  double gpu_bytes = 0.0;                ///< memory of the GPU that `choices` refer to
  std::vector<PlanChoice> choices = {};  ///< every ZeRO stage; empty for a run on CPUs
  bool fits = true;                      ///< true if the total fits in `memory.available`
};

/// Reads the config.json of the start checkpoint and, if it exists, the data. Throws Error for a config that
/// cannot work: a missing checkpoint, rules that match nothing.
Plan plan_of(const TrainConfig& config, int ranks);

/// Returns a human-readable table.
std::string to_text(const Plan& plan);

}  // namespace ccexpert::train

/// What a stage will need, worked out without training it.
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

/// Bytes on one rank.
struct PlanMemory {
  double weights = 0.0;
  double gradients = 0.0;    ///< accumulated, and those under way
  double optimizer = 0.0;    ///< AdamW's moments and float32 weights
  double activations = 0.0;  ///< an estimate
  double available = 0.0;    ///< of the device (0: not known here)

  double total() const { return weights + gradients + optimizer + activations; }
};

struct Plan {
  std::string name;
  int ranks = 1;
  std::vector<PlanPart> parts;
  PlanMemory memory;
  double communication = 0.0;  ///< bytes that a rank sends a step
  double flops = 0.0;          ///< of a step, on all ranks
  int64_t samples = 0;         ///< of an epoch (0: the data is not there yet)
  int64_t steps_per_epoch = 0;
  int64_t steps = 0;
  int64_t accumulation = 1;  ///< micro-batches of a rank in a step, at most
  std::string idle = {};     ///< what to say where ranks are idle at the end of a step
  bool fits = true;          ///< in `memory.available`
};

/// Reads the start checkpoint's config.json and, where it is there, the data. Throws Error for a config that
/// cannot work: no such checkpoint, rules that match nothing.
Plan plan_of(const TrainConfig& config, int ranks);

/// A table for people.
std::string to_text(const Plan& plan);

}  // namespace ccexpert::train

// A stage that is ready to train: model, data, optimiser and position.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ccexpert/train/run_control.h>

#include "distributed/shared/communicator.h"
#include "train/consensus.h"
#include "train/evaluation.h"
#include "train/run_data.h"
#include "train/run_folder.h"
#include "train/run_log.h"
#include "train/run_model.h"
#include "train/schedule.h"
#include "train/self_critical.h"
#include "train/training_state.h"

namespace ccexpert::train {

/// All that the training loop needs. Later members refer to earlier ones, which are on the heap, so that a
/// Stage can be moved.
struct Stage {
  const TrainConfig& config;
  distributed::Communicator& communicator;
  at::Device device;
  RunFolder folder;
  std::unique_ptr<RunModel> run;
  std::vector<TrainableParameter> parameters;
  std::unique_ptr<ShardedAdamW> optimizer;
  std::unique_ptr<const std::vector<data::ChangeExample>> pairs;
  CaptionWeights weights;
  std::unique_ptr<SelfCritical> self_critical;  ///< null with the data's captions
  data::BatchPlan plan;
  data::BatchLoader loader;
  Evaluator evaluator;
  int64_t total_steps = 0;
  Schedule schedule;
  Progress progress = {};
  bool new_metric = false;              ///< the resumed run selects its best checkpoint by another metric
  std::vector<std::string> notes = {};  ///< for the user

  bool leads() const { return communicator.rank() == 0; }
};

/// Starts a stage, or resumes it from the newest intact checkpoint of its folder. All ranks call it; `config`
/// and `communicator` must outlive the stage. Throws Error on all ranks if they do not start from the same
/// weights and pairs, or if the checkpoint belongs to another config or other pairs.
Stage start_stage(const TrainConfig& config, distributed::Communicator& communicator, at::Device device);

/// Writes the checkpoint of the stage's position. All ranks call it. Throws Error on all if one fails.
void save_stage(const Stage& stage);

/// Opens the stage's log with an introduction and the stage's notes; `control` sees its entries. Returns null
/// on all ranks but 0.
std::unique_ptr<RunLog> open_log(const Stage& stage, const RunControl& control);

}  // namespace ccexpert::train

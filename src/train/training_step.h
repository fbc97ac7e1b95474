// One optimiser step: micro-batches through the model, gradients, update.
#pragma once

#include <functional>
#include <vector>

#include <ccexpert/model/ccexpert_model.h>

#include "train/objective.h"
#include "train/sharded_adamw.h"

namespace ccexpert::train {

/// Share of one rank in a step. The micro-batches of all ranks have equal weight (spec section 9: mean of
/// micro-batch means); a micro-batch without any usable sample does not count.
struct StepPlan {
  int64_t own = 1;                           ///< micro-batches of this rank
  int64_t rounds = 1;                        ///< largest number of micro-batches of any rank
  int64_t total = 1;                         ///< micro-batches of all ranks
  bool stop = false;                         ///< this rank was asked to end the run
  std::function<void()> before_update = {};  ///< called after the backward passes; may talk to other ranks
};

struct StepReport {
  double caption_loss = 0.0;      ///< mean over the micro-batches of all ranks
  double mask_loss = 0.0;         ///< likewise; 0 if the objective lacks it
  double class_loss = 0.0;        ///< likewise
  double image_token_loss = 0.0;  ///< likewise
  double reward = 0.0;            ///< likewise
  std::vector<double> own_caption_losses;
  double grad_norm = 0.0;
  bool skipped = false;
  int64_t supervised_tokens = 0;  ///< of all ranks
  int64_t tokens = 0;             ///< of all ranks, image tokens included
  int64_t samples = 0;            ///< of all ranks
  int64_t micro_batches = 0;      ///< of all ranks, without empty ones
  bool stop = false;              ///< any rank was asked to end the run
};

class TrainingStep {
 public:
  /// All arguments must outlive this object.
  TrainingStep(const model::CcexpertModel& model, ShardedAdamW& optimizer,
               distributed::Communicator& communicator, Objective objective = {})
      : model_(model), optimizer_(optimizer), communicator_(communicator), objective_(std::move(objective)) {}

  /// Takes `plan.own` micro-batches from `next`, sums gradients over ranks and updates the weights.
  StepReport run(const std::function<TensorBatch()>& next, const StepPlan& plan, double learning_rate);

 private:
  at::Tensor pass(const TensorBatch& batch, int64_t total, StepReport& report);
  void accompany();
  void share(StepReport& report, const StepPlan& plan, const std::vector<at::Tensor>& passes) const;

  const model::CcexpertModel& model_;
  ShardedAdamW& optimizer_;
  distributed::Communicator& communicator_;
  const Objective objective_;
};

}  // namespace ccexpert::train

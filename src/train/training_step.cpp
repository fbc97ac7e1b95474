#include "train/training_step.h"

#include <algorithm>
#include <array>
#include <tuple>

#include <ATen/ATen.h>

#include <ccexpert/core/error.h>
#include <ccexpert/text/prompt.h>

#include "runtime/staging.h"
#include "train/packed.h"

namespace ccexpert::train {
namespace {

/// Parts of the loss, summed over micro-batches.
struct LossSums {
  double caption_loss = 0.0;
  double mask_loss = 0.0;
  double class_loss = 0.0;
  double image_token_loss = 0.0;
  double reward = 0.0;

  static constexpr auto fields() {
    return std::tuple{&LossSums::caption_loss, &LossSums::mask_loss, &LossSums::class_loss,
                      &LossSums::image_token_loss, &LossSums::reward};
  }
  /// The same parts of a micro-batch, in the same order.
  static constexpr std::array kParts{&BatchLoss::caption_loss, &BatchLoss::mask_loss, &BatchLoss::class_loss,
                                     &BatchLoss::image_token_loss, &BatchLoss::reward};
};

/// Counts of a step on one rank or on all.
struct StepCounts {
  int64_t supervised_tokens = 0;
  int64_t tokens = 0;
  int64_t samples = 0;
  int64_t stops = 0;  ///< ranks that were asked to end the run
  int64_t micro_batches = 0;

  static constexpr auto fields() {
    return std::tuple{&StepCounts::supervised_tokens, &StepCounts::tokens, &StepCounts::samples,
                      &StepCounts::stops, &StepCounts::micro_batches};
  }
};

/// Number of micro-batches, at least 1, as a divisor.
double counted(int64_t micro_batches) {
  return static_cast<double>(std::max<int64_t>(1, micro_batches));
}

}  // namespace

StepReport TrainingStep::run(const std::function<TensorBatch()>& next, const StepPlan& plan,
                             double learning_rate) {
  if (plan.own > plan.rounds || plan.rounds > plan.total)
    fail("training step", "a rank has more micro-batches than all");
  StepReport report;
  std::vector<at::Tensor> passes;
  for (int64_t round = 0; round < plan.rounds; ++round) {
    optimizer_.begin_backward(round + 1 == plan.rounds);
    const auto batch = round < plan.own ? next() : TensorBatch{};
    if (!batch.ids.empty()) {
      passes.push_back(pass(batch, plan.total, report));
    } else if (optimizer_.shards_weights()) {
      accompany();
    }
    optimizer_.end_backward();
  }
  share(report, plan, passes);
  // Not after the update: the host prepares the next step while the device computes it.
  if (plan.before_update) plan.before_update();
  const auto outcome =
      optimizer_.step(learning_rate, static_cast<double>(plan.total) / counted(report.micro_batches));
  report.grad_norm = outcome.grad_norm;
  report.skipped = outcome.skipped;
  return report;
}

/// Returns the parts of the loss as packed LossSums. They stay on the device until the end of the step:
/// reading one earlier would stop the host from queueing work.
at::Tensor TrainingStep::pass(const TensorBatch& batch, int64_t total, StepReport& report) {
  const auto result = batch_loss(model_, batch, objective_);
  (result.loss / static_cast<double>(total)).backward();
  report.supervised_tokens += result.supervised_tokens;
  report.tokens += result.tokens;
  report.samples += static_cast<int64_t>(batch.ids.size());
  std::vector<at::Tensor> parts;
  for (const auto member : LossSums::kParts) {
    const auto& part = result.*member;
    parts.push_back(part.defined() ? part.to(model_.options().dtype(at::kDouble))
                                   : at::zeros({}, model_.options().dtype(at::kDouble)));
  }
  return at::stack(parts);
}

/// Visits the blocks that other ranks visit, with a sample that adds nothing to the gradients.
void TrainingStep::accompany() {
  const auto& config = model_.config();
  const int64_t side = config.vision.image_size, patches = config.vision.patches();
  const auto options = model_.options(), floats = options.dtype(at::kFloat);
  constexpr int64_t kImage = -1;
  const TensorBatch batch{
      .pixels = at::zeros({2, 3, side, side}, options),
      .ids = {{kImage, kImage, 0, 0}},
      .labels = {{text::kIgnoredLabel, text::kIgnoredLabel, text::kIgnoredLabel, 0}},
      .change_mask = at::full({1, patches}, -1.0, floats),
      .class_shares = at::full({2, patches, objective_.weights.class_count}, -1.0, floats)};
  (batch_loss(model_, batch, objective_).loss * 0.0).backward();
}

/// Replaces the report's figures of this rank by those of all ranks, with one collective.
void TrainingStep::share(StepReport& report, const StepPlan& plan,
                         const std::vector<at::Tensor>& passes) const {
  const auto options = model_.options().dtype(at::kDouble);
  const auto each = passes.empty() ? at::zeros({0, kFields<LossSums>}, options) : at::stack(passes);
  const auto own_counts = pack(StepCounts{.supervised_tokens = report.supervised_tokens,
                                          .tokens = report.tokens,
                                          .samples = report.samples,
                                          .stops = plan.stop ? 1 : 0,
                                          .micro_batches = std::ssize(passes)});
  const auto shared = at::cat({each.sum(0), runtime::staged(own_counts, options.device())});
  if (communicator_.size() > 1) communicator_.all_reduce_sum(shared);
  const auto values = at::cat({shared, each.flatten()}).to(at::kCPU);  // one wait for the device
  const auto sums = unpack<LossSums>(values.narrow(0, 0, kFields<LossSums>));
  const auto counts = unpack<StepCounts>(values.narrow(0, kFields<LossSums>, kFields<StepCounts>));
  const double micro_batches = counted(counts.micro_batches);
  report.caption_loss = sums.caption_loss / micro_batches;
  report.mask_loss = sums.mask_loss / micro_batches;
  report.class_loss = sums.class_loss / micro_batches;
  report.image_token_loss = sums.image_token_loss / micro_batches;
  report.reward = sums.reward / micro_batches;
  report.supervised_tokens = counts.supervised_tokens;
  report.tokens = counts.tokens;
  report.samples = counts.samples;
  report.micro_batches = counts.micro_batches;
  report.stop = counts.stops > 0;
  const auto own = values.narrow(0, shared.size(0), each.numel()).view({each.size(0), kFields<LossSums>});
  for (const auto& row : own.unbind())
    report.own_caption_losses.push_back(unpack<LossSums>(row).caption_loss);
}

}  // namespace ccexpert::train

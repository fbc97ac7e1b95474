#include "train/training_step.h"

#include <algorithm>

#include <ATen/ATen.h>

#include <ccexpert/core/error.h>

namespace ccexpert::train {
namespace {

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
    if (round < plan.own) {
      const auto batch = next();
      if (!batch.ids.empty()) passes.push_back(pass(batch, plan.total, report));
    }
    optimizer_.end_backward();
  }
  share(report, plan, passes);
  const auto outcome =
      optimizer_.step(learning_rate, static_cast<double>(plan.total) / counted(report.micro_batches));
  report.grad_norm = outcome.grad_norm;
  report.skipped = outcome.skipped;
  return report;
}

/// Returns the parts of the loss, [4] float64. They stay on the device until the end of the step: reading one
/// earlier would stop the host from queueing work.
at::Tensor TrainingStep::pass(const TensorBatch& batch, int64_t total, StepReport& report) {
  const auto result = batch_loss(model_, batch, objective_);
  (result.loss / static_cast<double>(total)).backward();
  report.supervised_tokens += result.supervised_tokens;
  report.tokens += result.tokens;
  report.samples += static_cast<int64_t>(batch.ids.size());
  std::vector<at::Tensor> parts;
  for (const auto& part :
       {result.caption_loss, result.mask_loss, result.class_loss, result.image_token_loss}) {
    parts.push_back(part.defined() ? part.to(at::kDouble)
                                   : at::zeros({}, model_.options().dtype(at::kDouble)));
  }
  return at::stack(parts);
}

void TrainingStep::share(StepReport& report, const StepPlan& plan,
                         const std::vector<at::Tensor>& passes) const {
  const auto options = model_.options().dtype(at::kDouble);
  const auto each = passes.empty() ? at::zeros({0, 4}, options) : at::stack(passes);  // [own,4]
  const auto number = [](auto value) { return static_cast<double>(value); };
  const auto counts = at::tensor({number(report.supervised_tokens), number(report.tokens),
                                  number(report.samples), plan.stop ? 1.0 : 0.0, number(passes.size())},
                                 at::kDouble);
  auto shared = at::cat({each.sum(0), counts.to(options.device())});
  if (communicator_.size() > 1) communicator_.all_reduce_sum(shared);
  const auto values = shared.to(at::kCPU);
  const auto count = [&](int64_t index) { return static_cast<int64_t>(values[index].item<double>()); };
  report.micro_batches = count(8);
  const auto mean = [&](int64_t index) {
    return values[index].item<double>() / counted(report.micro_batches);
  };
  report.caption_loss = mean(0);
  report.mask_loss = mean(1);
  report.class_loss = mean(2);
  report.image_token_loss = mean(3);
  report.supervised_tokens = count(4);
  report.tokens = count(5);
  report.samples = count(6);
  report.stop = count(7) > 0;
  const auto own = each.to(at::kCPU);
  for (int64_t i = 0; i < own.size(0); ++i) report.own_caption_losses.push_back(own[i][0].item<double>());
}

}  // namespace ccexpert::train

#include <ATen/ATen.h>

#include <ccexpert/core/error.h>
#include <ccexpert/train/training_step.h>

namespace ccexpert::train {

StepReport TrainingStep::run(const std::function<TensorBatch()>& next, const StepPlan& plan,
                             double learning_rate) {
  if (plan.own > plan.rounds || plan.rounds > plan.total)
    fail("training step", "a rank has more micro-batches than all");
  StepReport report;
  for (int64_t round = 0; round < plan.rounds; ++round) {
    optimizer_.begin_backward(round + 1 == plan.rounds);
    if (round < plan.own) pass(next(), plan.total, report);
    optimizer_.end_backward();
  }
  share(report, plan);
  const auto outcome = optimizer_.step(learning_rate);
  report.grad_norm = outcome.grad_norm;
  report.skipped = outcome.skipped;
  return report;
}

void TrainingStep::pass(const TensorBatch& batch, int64_t total, StepReport& report) {
  if (batch.ids.empty()) return;
  const auto result = batch_loss(model_, batch, objective_);
  (result.loss / static_cast<double>(total)).backward();
  report.own_losses.push_back(result.caption);
  report.mask_loss += result.mask;
  report.class_loss += result.classes;
  report.token_loss += result.image_tokens;
  report.supervised_tokens += result.supervised_tokens;
  report.tokens += result.tokens;
  report.samples += static_cast<int64_t>(batch.ids.size());
}

void TrainingStep::share(StepReport& report, const StepPlan& plan) const {
  double sum = 0.0;
  for (const double loss : report.own_losses) sum += loss;
  const auto number = [](auto value) { return static_cast<double>(value); };
  auto shared = at::tensor({sum, report.mask_loss, report.class_loss, report.token_loss,
                            number(report.supervised_tokens), number(report.tokens), number(report.samples),
                            plan.stop ? 1.0 : 0.0},
                           at::kDouble)
                    .to(model_.options().device());
  if (communicator_.size() > 1) communicator_.all_reduce_sum(shared);
  const auto values = shared.to(at::kCPU);
  const auto mean = [&](int64_t index) { return values[index].item<double>() / number(plan.total); };
  const auto count = [&](int64_t index) { return static_cast<int64_t>(values[index].item<double>()); };
  report.loss = mean(0);
  report.mask_loss = mean(1);
  report.class_loss = mean(2);
  report.token_loss = mean(3);
  report.supervised_tokens = count(4);
  report.tokens = count(5);
  report.samples = count(6);
  report.stop = count(7) > 0;
}

}  // namespace ccexpert::train

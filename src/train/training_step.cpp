#include <ATen/ATen.h>

#include <ccexpert/core/error.h>
#include <ccexpert/train/loss.h>
#include <ccexpert/train/training_step.h>

namespace ccexpert::train {

BatchLoss batch_loss(const CcexpertModel& model, const TensorBatch& batch) {
  const auto images = model.encode_images(batch.pixels);
  const auto sequences = model.splice(batch.ids, images.tokens);
  const auto hidden = model.decoder().forward(sequences.embeddings);
  const auto labels = splice_labels(batch.ids, batch.labels, images.tokens.size(1));
  const auto loss = token_loss(model.decoder(), hidden, labels);
  return {loss.mean, loss.tokens, labels.numel()};
}

StepReport TrainingStep::run(const std::function<TensorBatch()>& next, const StepPlan& plan,
                             double learning_rate) {
  if (plan.own > plan.rounds || plan.rounds > plan.total)
    fail("training step", "a rank has more micro-batches than all");
  StepReport report;
  for (int64_t round = 0; round < plan.rounds; ++round) {
    optimizer_.begin_backward(round + 1 == plan.rounds);
    if (round < plan.own) {
      const auto batch = batch_loss(model_, next());
      (batch.loss / static_cast<double>(plan.total)).backward();
      report.own_losses.push_back(batch.loss.item<double>());
      report.supervised_tokens += batch.supervised_tokens;
      report.tokens += batch.tokens;
    }
    optimizer_.end_backward();
  }
  share(report, plan);
  const auto outcome = optimizer_.step(learning_rate);
  report.grad_norm = outcome.grad_norm;
  report.skipped = outcome.skipped;
  return report;
}

void TrainingStep::share(StepReport& report, const StepPlan& plan) const {
  double sum = 0.0;
  for (const double loss : report.own_losses) sum += loss;
  auto shared =
      at::tensor({sum, static_cast<double>(report.supervised_tokens), static_cast<double>(report.tokens)},
                 at::kDouble)
          .to(model_.options().device());
  if (communicator_.size() > 1) communicator_.all_reduce_sum(shared);
  const auto values = shared.to(at::kCPU);
  report.loss = values[0].item<double>() / static_cast<double>(plan.total);
  report.supervised_tokens = static_cast<int64_t>(values[1].item<double>());
  report.tokens = static_cast<int64_t>(values[2].item<double>());
}

}  // namespace ccexpert::train

// A tiny model that trains on one rank of several.
#pragma once

#include <memory>
#include <vector>

#include "distributed/shared/communicator.h"
#include "train/share_weights.h"
#include "train/tiny_run.h"

namespace ccexpert::test {

/// Sums over ranks have another order; AdamW's eps keeps that noise from growing.
inline constexpr Tolerance kTrainedWeights{2e-5, 1e-4};
constexpr double kTrainedLoss = 2e-5;

inline void expect_near(const std::vector<double>& actual, const std::vector<double>& expected,
                        double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], tolerance) << "step " << i;
}

/// 11 samples in global batches of 6 and micro-batches of 2: three micro-batches each, the last one of the
/// second batch with a single sample. Of four ranks, some are idle.
inline data::BatchPlan plan_for(const distributed::Communicator& all) {
  constexpr int64_t kSamples = 11;
  const std::vector<data::PairVisits> pairs(kSamples);
  return {data::EpochSampler(pairs, data::CaptionMode::kFlatten, 5),
          {.global = 6, .micro = 2, .ranks = all.size(), .rank = all.rank(), .last = data::LastBatch::kKeep}};
}

struct TraineeOptions {
  int zero = 0;
  int64_t bucket_elements = 20'000;  // of about 900,000
  at::ScalarType type = at::kFloat;
  bool recompute = false;
  double clip_norm = 1.0;
  std::vector<train::ParameterRule> rules = {{"*", 1.0, 0.01}, {"model.vision_tower.*", 0.2, 0.0}};
};

/// Model and optimiser on one rank.
class Trainee {
 public:
  Trainee(distributed::Communicator& all, const TraineeOptions& options,
          std::shared_ptr<model::CcexpertModel> model = nullptr)
      : all_(all),
        model_(model ? std::move(model) : tiny_model(options.type)),
        optimizer_(make_optimizer(options)),
        step_(*model_, *optimizer_, all),
        plan_(plan_for(all)) {}

  std::vector<double> losses(int steps) {
    std::vector<double> losses;
    for (int i = 0; i < steps; ++i) losses.push_back(one_step().caption_loss);
    return losses;
  }

  train::StepReport one_step() {
    const auto order = plan_.sampler().order(position_.epoch);
    const auto parts = plan_.own(position_.batch);
    const auto share = plan_.share(position_.batch);
    size_t part = 0;
    const auto next = [&] {
      std::vector<int64_t> samples;
      for (int64_t i = parts[part].first; i < parts[part].last; ++i)
        samples.push_back(order[static_cast<size_t>(i)].pair);
      ++part;
      auto batch = tiny_batch(samples);
      batch.pixels = batch.pixels.to(model_->options());
      return batch;
    };
    const auto report = step_.run(next, {.own = share.own, .rounds = share.most, .total = share.total}, 1e-3);
    position_ = plan_.after(position_);
    return report;
  }

  /// Returns the values of all parameters by name. All ranks call it.
  std::map<std::string, at::Tensor> weights() {
    if (!shards_) return weights_of(*model_);
    const train::GatheredPass pass(shards_.get());
    std::map<std::string, at::Tensor> weights;
    for (const auto& item : model_->named_parameters())
      weights[item.key()] = shards_->whole(item.value()).clone();
    return weights;
  }

  model::CcexpertModel& model() { return *model_; }
  train::ShardedAdamW& optimizer() { return *optimizer_; }
  train::WeightShards* shards() { return shards_.get(); }
  void seek(const data::Position& position) { position_ = position; }
  const data::Position& position() const { return position_; }

 private:
  std::unique_ptr<train::ShardedAdamW> make_optimizer(const TraineeOptions& options) {
    const train::AdamWOptions adam{.eps = 1e-3,
                                   .clip_norm = options.clip_norm,
                                   .zero = std::min(options.zero, 2),
                                   .bucket_elements = options.bucket_elements};
    model_->set_recompute(options.recompute);
    if (options.zero < 3) {
      return std::make_unique<train::ShardedAdamW>(train::apply_rules(*model_, options.rules), adam, all_);
    }
    shards_ = std::make_shared<train::WeightShards>(
        train::WeightShards::Content{*model_, train::all_parameters(*model_, options.rules),
                                     options.bucket_elements},
        at::kCPU, all_);
    model_->set_runner(train::sharded_runner(shards_, options.recompute));
    return std::make_unique<train::ShardedAdamW>(*shards_, adam, all_);
  }

  distributed::Communicator& all_;
  std::shared_ptr<model::CcexpertModel> model_;
  std::shared_ptr<train::WeightShards> shards_;
  std::unique_ptr<train::ShardedAdamW> optimizer_;
  train::TrainingStep step_;
  data::BatchPlan plan_;
  data::Position position_;
};

}  // namespace ccexpert::test

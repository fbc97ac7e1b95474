// Ten AdamW steps against the reference implementation, for the three sets of trainable parameters in the
// paper's schedule.
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/weights.h>

#include "support/golden.h"
#include "train/schedule.h"
#include "train/training_step.h"

namespace ccexpert::train {
namespace {

using nlohmann::json;

constexpr double kLossTolerance = 1e-4;
constexpr double kNormTolerance = 1e-3;

struct Variant {
  const char* stage;
  std::vector<ParameterRule> rules;
  bool recompute;
};

/// Steps of two micro-batches of two samples, on checkpoint-tiny with stored pixels of seven pairs.
class GoldenTraining : public ::testing::TestWithParam<Variant> {
 protected:
  GoldenTraining() : checkpoint_(io::open_checkpoint(test::data_folder() / "checkpoint-tiny")) {
    expected_ = json::parse(std::ifstream(test::data_folder() / "training/expected.json"));
    model_ = model::build_model(model::parse_model_config(checkpoint_.config_json, "config.json"),
                                *checkpoint_.weights, {});
    model_->set_recompute(GetParam().recompute);
    const auto stored = io::open_safetensors(test::data_folder() / "training/pixels.safetensors");
    const auto levels =
        stored->tensor("pixels").permute({0, 1, 4, 2, 3}).to(at::kFloat);  // [7,2,3,P,P] of 0..255
    pixels_ = (levels / 255.0 - 0.5) / 0.5;
  }

  TensorBatch batch_of(const json& samples) const {
    TensorBatch batch;
    std::vector<at::Tensor> images;
    for (const auto& index : samples) {
      const auto& sample = expected_["samples"][index.get<size_t>()];
      images.push_back(pixels_[sample["pair"].get<int64_t>()]);
      batch.ids.push_back(sample["ids"]);
      batch.labels.push_back(sample["labels"]);
    }
    batch.pixels = at::cat(images, 0);
    return batch;
  }

  io::Checkpoint checkpoint_;
  json expected_;
  std::shared_ptr<model::CcexpertModel> model_;
  at::Tensor pixels_;  // [7,2,3,P,P]
};

INSTANTIATE_TEST_SUITE_P(
    Stages, GoldenTraining,
    ::testing::Values(Variant{"stage1_paper", {{"model.vision_resampler.*", 1.0, 0.0}}, false},
                      Variant{"stage1_script",
                              {{"model.vision_resampler.*", 1.0, 0.0}, {"model.mm_projector.*", 1.0, 0.0}},
                              false},
                      Variant{"stage2", {{"*", 1.0, 0.0}, {"model.vision_tower.*", 0.2, 0.0}}, false},
                      Variant{"stage2", {{"*", 1.0, 0.0}, {"model.vision_tower.*", 0.2, 0.0}}, true}),
    [](const auto& variant) {
      return std::string(variant.param.stage) + (variant.param.recompute ? "_recompute" : "");
    });

TEST_P(GoldenTraining, LossesNormsAndChangesAreTheReferences) {
  const auto& stage = expected_["stages"][GetParam().stage];
  const auto communicator = distributed::single_process();
  auto parameters = apply_rules(*model_, GetParam().rules);
  std::map<std::string, at::Tensor> start;
  for (const auto& parameter : parameters) start[parameter.name] = parameter.tensor.detach().clone();
  // Several buckets, so that bucket borders are tested as well.
  ShardedAdamW optimizer(parameters, {.bucket_elements = 100'000}, *communicator);
  TrainingStep step(*model_, optimizer, *communicator);
  const auto schedule = make_schedule(Decay::kCosine, expected_["total_steps"], expected_["warmup_ratio"]);
  EXPECT_EQ(schedule.warmup_steps, expected_["warmup_steps"]);
  for (const auto& wanted : stage["steps"]) {
    size_t micro = 0;
    const double rate = expected_["learning_rate"].get<double>() * schedule.factor(wanted["step"]);
    EXPECT_DOUBLE_EQ(rate, wanted["lr"].get<double>());
    const auto report = step.run([&] { return batch_of(wanted["samples"][micro++]); },
                                 {.own = 2, .rounds = 2, .total = 2}, rate);
    EXPECT_NEAR(report.caption_loss, wanted["loss"].get<double>(), kLossTolerance) << wanted["step"];
    for (size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(report.own_caption_losses[i], wanted["micro_loss"][i].get<double>(), kLossTolerance)
          << wanted["step"];
    }
    const double norm = wanted["grad_norm"];
    EXPECT_NEAR(report.grad_norm, norm, kNormTolerance * norm) << wanted["step"];
  }
  const auto& changes = stage["change_l2_per_parameter"];
  for (const auto& [name, before] : start) {
    // A bias that shifts all attention scores equally has only noise as gradient, which AdamW magnifies.
    if (name.ends_with("k_proj.bias")) continue;
    ASSERT_TRUE(changes.contains(name)) << name;
    const double change = (model_->named_parameters()[name].detach() - before).norm().item<double>();
    const double wanted = changes[name];
    EXPECT_NEAR(change, wanted, kNormTolerance * wanted + 1e-6) << name;
  }
  for (const auto& [name, change] : changes.items()) {
    // The reference has unused parts.
    EXPECT_TRUE(start.contains(name) || change == 0.0) << name;
  }
  for (size_t i = 0; i < stage["final_loss_per_sample"].size(); ++i) {
    const at::NoGradGuard no_grad;
    EXPECT_NEAR(batch_loss(*model_, batch_of({i})).loss.item<double>(),
                stage["final_loss_per_sample"][i].get<double>(), kLossTolerance);
  }
}

}  // namespace
}  // namespace ccexpert::train

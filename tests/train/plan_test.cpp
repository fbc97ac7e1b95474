// Plans of stages at the paper's model sizes.
#include "train/shared/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/model/ccexpert_model.h>

#include "support/errors.h"
#include "support/paths.h"
#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    model::ModelConfig small;
    model::ModelConfig large;
    large.decoder = {.vocab_size = 152'064,
                     .hidden_size = 3584,
                     .intermediate_size = 18'944,
                     .num_hidden_layers = 28,
                     .num_attention_heads = 28,
                     .num_key_value_heads = 4};
    folder_.write("small/config.json", model::model_config_json(small));
    folder_.write("large/config.json", model::model_config_json(large));
  }
  TrainConfig config(const std::string& size) const {
    TrainConfig config;
    config.output = "unused";
    config.device = "cuda";
    config.model.start = (folder_ / size).string();
    config.data.train = (folder_ / "none.json").string();
    return config;
  }
  static int64_t parameters_of(const Plan& plan, const std::string& part) {
    for (const auto& each : plan.parts) {
      if (each.name == part) return each.parameters;
    }
    return 0;
  }

  test::TemporaryFolder folder_;
};

/// Computed from the sizes: embeddings and head; per layer the query, key, value and output matrices with
/// three biases, the MLP, two norms.
int64_t qwen2_parameters(int64_t vocabulary, int64_t width, int64_t inner, int64_t layers, int64_t keys) {
  const int64_t layer = 2 * width * width + width + 2 * (width * keys + keys) + 3 * width * inner + 2 * width;
  return 2 * vocabulary * width + layers * layer + width;
}

TEST_F(PlanTest, ParametersAreCountedByPart) {
  const auto small = plan_of(config("small"), 1), large = plan_of(config("large"), 1);
  EXPECT_EQ(parameters_of(small, "decoder"), qwen2_parameters(151'936, 896, 4864, 24, 128));
  EXPECT_EQ(parameters_of(large, "decoder"), qwen2_parameters(152'064, 3584, 18'944, 28, 512));
  EXPECT_EQ(parameters_of(small, "projector"), 1152 * 896 + 896 + 896 * 896 + 896);
  EXPECT_EQ(parameters_of(large, "vision transformer"), parameters_of(small, "vision transformer"));
  EXPECT_GT(parameters_of(small, "Diff Expert and weighting"), 0);
}

TEST_F(PlanTest, OnlyWhatTrainsNeedsAnOptimizer) {
  auto stage1 = config("small");
  stage1.optimizer.parameters = {{"model.vision_resampler.*"}};
  const auto plan = plan_of(stage1, 1), all = plan_of(config("small"), 1);
  for (const auto& part : plan.parts)
    EXPECT_EQ(part.trained, part.name == "Diff Expert and weighting" ? part.parameters : 0) << part.name;
  EXPECT_EQ(plan.memory.weights, all.memory.weights);
  EXPECT_LT(plan.memory.optimizer, all.memory.optimizer);
  EXPECT_LT(plan.flops, all.flops);
}

TEST_F(PlanTest, MemoryFallsWithRanksAndStages) {
  auto run = config("large");
  const auto memory = [&](int zero, int ranks) {
    run.distributed.zero = zero;
    return plan_of(run, ranks).memory;
  };
  const auto whole = memory(0, 8), state = memory(1, 8), gradients = memory(2, 8);
  int64_t parameters = 0;
  for (const auto& part : plan_of(run, 1).parts) parameters += part.trained;
  EXPECT_DOUBLE_EQ(whole.weights, 2.0 * static_cast<double>(parameters));
  EXPECT_DOUBLE_EQ(whole.optimizer, 12.0 * static_cast<double>(parameters));
  EXPECT_DOUBLE_EQ(state.optimizer, whole.optimizer / 8.0);
  EXPECT_DOUBLE_EQ(state.gradients, whole.gradients);
  EXPECT_LT(gradients.gradients, whole.gradients / 6.0);
  for (int ranks : {2, 4, 8}) EXPECT_LT(memory(2, ranks).total(), memory(2, ranks / 2).total());
}

TEST_F(PlanTest, Stage3SharesWeightsAndGathersTwoBlocks) {
  auto run = config("large");
  run.distributed.zero = 2;
  const auto gradients = plan_of(run, 8).memory;
  run.distributed.zero = 3;
  const auto weights = plan_of(run, 8).memory, alone = plan_of(run, 1).memory;
  EXPECT_DOUBLE_EQ(weights.weights, gradients.weights / 8.0);
  EXPECT_DOUBLE_EQ(weights.optimizer, gradients.optimizer);
  EXPECT_EQ(gradients.gathered, 0.0);
  EXPECT_EQ(alone.gathered, 0.0);
  // Embedding and head, and two blocks of the decoder, the largest; besides, less than 20 M outside of
  // blocks.
  const double block = static_cast<double>(qwen2_parameters(0, 3584, 18'944, 1, 512) - 3584);
  const double least = 2.0 * (2.0 * 152'064.0 * 3584.0 + 2.0 * block);
  EXPECT_GT(weights.gathered, least);
  EXPECT_LT(weights.gathered, least + 2.0 * 40e6);
  EXPECT_THAT(to_text(plan_of(run, 8)), HasSubstr(" + gathered "));
}

/// Returns the plan of a stage of a shipped config, from the sizes in configs/bases.
Plan shipped_plan(const std::string& size, size_t stage, int ranks) {
  const auto configs = std::filesystem::path(test::kSourceDir) / "configs";
  auto run = read_train_config(configs / ("ccexpert-" + size + ".yaml"), {}).at(stage);
  run.model.start = (configs / "bases" / ("llava-onevision-qwen2-" + size + "-ov")).string();
  return plan_of(run, ranks);
}

int fewest_gpus(const Plan& plan, int zero) {
  return plan.choices.at(static_cast<size_t>(zero)).fewest_gpus;
}

TEST_F(PlanTest, SaysOnHowManyGpusAStageFits) {
  const auto large = shipped_plan("72b", 1, 32);
  EXPECT_EQ(parameters_of(large, "decoder"), qwen2_parameters(152'064, 8192, 29'568, 80, 1024));
  EXPECT_TRUE(large.fits);
  for (int zero : {0, 1, 2}) EXPECT_EQ(fewest_gpus(large, zero), 0) << zero;
  EXPECT_EQ(fewest_gpus(large, 3), 32);
  EXPECT_FALSE(shipped_plan("72b", 1, 16).fits);
  EXPECT_THAT(to_text(large), AllOf(HasSubstr("fits on no number of GPUs of 80 GB"),
                                    HasSubstr("fits on 32 GPUs or more of 80 GB")));
  EXPECT_EQ(fewest_gpus(shipped_plan("0.5b", 1, 8), 0), 1);
  EXPECT_GT(fewest_gpus(shipped_plan("7b", 1, 8), 2), 1);
  auto cpu = config("small");
  cpu.device = "cpu";
  EXPECT_TRUE(plan_of(cpu, 2).choices.empty());
}

TEST_F(PlanTest, RecomputationSavesActivations) {
  auto run = config("small");
  const double with = plan_of(run, 1).memory.activations;
  run.model.recompute = false;
  EXPECT_GT(plan_of(run, 1).memory.activations, 2.0 * with);
}

TEST_F(PlanTest, WhatDoesNotFitIsRefused) {
  auto run = config("large");
  run.memory_gb = 80.0;
  const auto alone = plan_of(run, 1);
  EXPECT_FALSE(alone.fits);
  EXPECT_THAT(to_text(alone), AllOf(HasSubstr("train on 1 rank\n"),
                                    HasSubstr("does not fit: 80.00 GB available (fewer samples in "
                                              "batch.micro, more ranks, ZeRO 2 or recompute)")));
  const auto eight = plan_of(run, 8);
  EXPECT_TRUE(eight.fits);
  EXPECT_THAT(to_text(eight), AllOf(HasSubstr("train on 8 ranks\n"), Not(HasSubstr("does not fit"))));
}

TEST_F(PlanTest, ADeviceThatIsNotHereIsNotJudged) {
  if (at::hasCUDA()) GTEST_SKIP() << "this machine may have a GPU";
  const auto plan = plan_of(config("large"), 1);
  EXPECT_TRUE(plan.fits);
  EXPECT_THAT(to_text(plan), HasSubstr("unknown without memory_gb"));
  auto run = config("large");
  run.device = "auto";  // means the CPU then
  run.model.dtype = Precision::kFloat32;
  const auto here = plan_of(run, 1);
  EXPECT_GT(here.memory.available, 1e9);
  EXPECT_EQ(here.fits, here.memory.total() <= here.memory.available);
  EXPECT_THAT(to_text(here), Not(HasSubstr("unknown without memory_gb")));
  EXPECT_DOUBLE_EQ(plan_of(run, 2).memory.available, here.memory.available / 2.0);
}

TEST_F(PlanTest, AGpuThatIsHereIsJudgedByItsSize) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no GPU";
  EXPECT_GT(plan_of(config("small"), 1).memory.available, 1e9);
}

TEST_F(PlanTest, AParameterLargerThanABucketTravelsAlone) {
  auto run = config("large");  // its embedding has 152,064 x 3584 values
  run.distributed.bucket_mb = 100.0;
  const double state_only = [&] {
    run.distributed.zero = 2;
    const auto plan = plan_of(run, 8);
    int64_t trained = 0;
    for (const auto& part : plan.parts) trained += part.trained;
    return plan.memory.gradients - 4.0 * static_cast<double>(trained) / 8.0;
  }();
  EXPECT_DOUBLE_EQ(state_only, 3.0 * 100e6 + 2.0 * 152'064 * 3584);
}

TEST_F(PlanTest, HeadsOfAuxiliaryLossesAreCounted) {
  auto run = config("small");
  EXPECT_EQ(parameters_of(plan_of(run, 1), "auxiliary heads"), 0);
  run.loss.mask = 0.5;
  AuxiliaryHeads heads(1152, 896, run.loss.class_count, at::TensorOptions(), 1);
  int64_t expected = 0;
  for (const auto& parameter : heads.parameters()) expected += parameter.numel();
  const auto plan = plan_of(run, 1);
  EXPECT_EQ(parameters_of(plan, "auxiliary heads"), expected);
  EXPECT_EQ(plan.parts.back().trained, expected);
}

TEST_F(PlanTest, RanksThatIdleAreSaid) {
  auto run = config("small");
  run.batch = {.global = 8, .micro = 2};
  EXPECT_THAT(
      to_text(plan_of(run, 3)),
      HasSubstr("2 of 3 ranks idle at the end of each step: batch.global is not a multiple of batch.micro "
                "x ranks (6)"));
  EXPECT_THAT(to_text(plan_of(run, 4)), Not(HasSubstr("idle")));
}

TEST_F(PlanTest, StepsComeFromTheData) {
  auto run = config("small");
  EXPECT_THAT(to_text(plan_of(run, 1)), HasSubstr("unknown: the training data does not exist yet"));
  run.data.train = test::write_pairs(folder_, 5).string();  // 7 captions
  run.batch = {.global = 4, .micro = 1, .epochs = 3.0};
  const auto plan = plan_of(run, 3);
  EXPECT_EQ(plan.samples, 7);
  EXPECT_EQ(plan.steps_per_epoch, 2);
  EXPECT_EQ(plan.steps, 6);
  EXPECT_EQ(plan.accumulation, 2);
  run.data.captions = CaptionChoice::kRandomChoice;
  EXPECT_EQ(plan_of(run, 3).samples, 5);
}

TEST_F(PlanTest, OneRankSendsNothing) {
  EXPECT_EQ(plan_of(config("small"), 1).communication, 0.0);
  EXPECT_GT(plan_of(config("small"), 2).communication, 1e9);
}

TEST_F(PlanTest, AStageThatCannotWorkIsAnError) {
  auto run = config("none");
  EXPECT_THAT(test::error_of([&] { plan_of(run, 1); }), HasSubstr("none without one (docs/training.md says"));
  run = config("small");
  run.optimizer.parameters = {{"nothing.*"}};
  EXPECT_THAT(test::error_of([&] { plan_of(run, 1); }), HasSubstr("'nothing.*', which matches none"));
  run.optimizer.parameters = {{"*"}, {"model.vision_resamplr.*"}};
  EXPECT_EQ(test::error_of([&] { plan_of(run, 1); }),
            "optimizer.parameters[1].pattern: expected a pattern of parameters' names, got "
            "'model.vision_resamplr.*', which matches none (did you mean model.vision_resampler.*?)");
  run = config("small");
  run.batch = {.global = 8, .micro = 4};
  EXPECT_EQ(test::error_of([&] { plan_of(run, 3); }),
            "batch.global: expected a micro-batch for each of 3 ranks, 12 samples or more, got 8");
  run.data.train = test::write_pairs(folder_, 2).string();
  run.loss.mask = 0.5;
  EXPECT_THAT(test::error_of([&] { plan_of(run, 1); }),
              HasSubstr("loss.mask: expected 0, or training pairs with mask_path, got 0.5 with "));
  run.loss = {.classes = 1.0};
  EXPECT_THAT(test::error_of([&] { plan_of(run, 1); }),
              HasSubstr("loss.classes: expected 0, or training pairs with classes1_path or classes2_path"));
  run.loss = {.tokens = 1.0};
  EXPECT_THAT(test::error_of([&] { plan_of(run, 1); }),
              HasSubstr("loss.tokens: expected 0, or training pairs with masks or class maps"));
}

}  // namespace
}  // namespace ccexpert::train

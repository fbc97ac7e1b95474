// LoRA over a base whose frozen matrices have 8 bits.
#include <gmock/gmock.h>

#include <ccexpert/captioner.h>

#include "model/shared/adapter.h"
#include "model/shared/int8_model.h"
#include "support/errors.h"
#include "train/run_model.h"
#include "train/shared/plan.h"
#include "train/trainer_fixture.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Int8Lora : public TrainerTest {
 protected:
  Int8Lora() {
    config_.lora.rank = 4;
    config_.lora.alpha = 8;
    config_.lora.int8_base = true;
    config_.optimizer.learning_rate = 1e-2;
  }

  fs::path end(const std::string& run, int64_t step = 6) const {
    return RunFolder(folder_ / run).checkpoint(step);
  }
  Caption caption(const fs::path& model, const CaptionerConfig& config) const {
    const auto before = image::decode_image(folder_ / "pairs.json-0-before.png"),
               after = image::decode_image(folder_ / "pairs.json-0-after.png");
    return Captioner::load(model, config).caption(before.view(), after.view());
  }
};

TEST_F(Int8Lora, TheLossFallsAndTheBytesOfTheBaseStay) {
  config_.batch.max_steps = 20;
  config_.checkpoint.every_steps = 0;
  const auto losses = whole();
  EXPECT_LT(losses.back(), 0.9 * losses.front());
  const auto base = model::open_plain_checkpoint(end("whole", 20));
  const auto start = model::open_plain_checkpoint(test::tiny_folder());
  const auto config = model::parse_model_config(start.config_json, "config.json");
  const model::Int8Source expected(*start.weights, model::int8_matrices(config));
  for (const auto& weight : model::int8_contract(config, *start.weights)) {
    ASSERT_NE(base.weights->find(weight.name), nullptr) << weight.name;
    EXPECT_TRUE(at::equal(base.weights->tensor(weight.name).to(at::kDouble),
                          expected.tensor(weight.name).to(at::kDouble)))
        << weight.name;
  }
}

TEST_F(Int8Lora, LossesAreNearThoseOfTheWholeBase) {
  const auto int8 = whole();
  config_.lora.int8_base = false;
  const auto plain = train(named("plain")).caption_losses;
  ASSERT_EQ(int8.size(), plain.size());
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(int8[i], plain[i], 0.03 * plain[i]) << i;
}

TEST_F(Int8Lora, ResumedEqualsUninterrupted) {
  for (const auto dtype : {Precision::kFloat32, Precision::kBfloat16}) {
    config_.model.dtype = dtype;
    fs::remove_all(folder_ / "whole");
    fs::remove_all(folder_ / "cut");
    whole();
    train(named("cut"));
    fs::remove_all(end("cut"));
    EXPECT_EQ(train(named("cut")).caption_losses.size(), 2U);
    expect_same_end("cut");
  }
}

TEST_F(Int8Lora, TheCaptionIsThatOfTraining) {
  config_.batch.max_steps = 20;
  config_.checkpoint.every_steps = 0;
  auto config = named("whole");
  test::evaluate_on(config, folder_ / "pairs.json");
  config.evaluation.generation.max_new_tokens = 12;
  config.evaluation.samples = 1;
  train(config);
  const auto samples = log_of("whole", "evaluation").back().at("samples");
  ASSERT_EQ(samples.size(), 1U);
  const std::string trained = samples[0].at("caption");
  EXPECT_FALSE(trained.empty());
  EXPECT_THAT(caption(end("whole", 20), {.device = "cpu"}).text, ::testing::StartsWith(trained));
}

TEST_F(Int8Lora, ItsAdapterFitsTheFloatBaseToo) {
  whole();
  const auto adapter = folder_ / "adapter";
  fs::create_directory(adapter);
  for (const char* file : {"adapter_config.json", "adapter_model.safetensors"})
    fs::copy_file(end("whole") / file, adapter / file);
  EXPECT_EQ(caption(test::tiny_folder(), {.device = "cpu", .adapter = adapter}).token_ids,
            caption(end("whole"), {.device = "cpu"}).token_ids);
}

TEST_F(Int8Lora, OtherParametersTrainBesideItInFloatingPoint) {
  config_.optimizer.parameters = {{.pattern = "model.mm_projector.*"}};
  whole();
  const auto saved = model::open_plain_checkpoint(end("whole"));
  EXPECT_EQ(saved.weights->find("model.mm_projector.0.weight")->dtype, at::kFloat);
  EXPECT_EQ(saved.weights->find("model.mm_projector.0.scales"), nullptr);
  EXPECT_EQ(saved.weights->find("model.layers.0.mlp.up_proj.weight")->dtype, at::kChar);
  EXPECT_FALSE(caption(end("whole"), {.device = "cpu"}).token_ids.empty());
}

TEST_F(Int8Lora, RecomputedBlocksGiveTheSameLosses) {
  config_.lora.targets = {"all-linear"};
  const auto plain = whole();
  auto config = named("recomputed");
  config.model.recompute = !config.model.recompute;
  const auto losses = train(config).caption_losses;
  ASSERT_EQ(losses.size(), plain.size());
  for (size_t i = 0; i < losses.size(); ++i) EXPECT_NEAR(losses[i], plain[i], 1e-4 * plain[i]) << i;
}

TEST_F(Int8Lora, ThePlanCountsBytes) {
  const auto int8 = plan_of(config_, 1).memory.weights;
  config_.lora.int8_base = false;
  EXPECT_LT(int8, 0.35 * plan_of(config_, 1).memory.weights);
}

TEST_F(Int8Lora, ValuesThatItCannotHaveAreRefused) {
  const auto refused = [&](auto change) {
    auto config = named("run");
    change(config);
    return test::error_of([&] { config.validate(); });
  };
  EXPECT_THAT(refused([](auto& config) { config.model.fresh = true; }),
              HasSubstr("model.fresh: expected false with lora.int8_base, got true"));
  EXPECT_THAT(refused([](auto& config) { config.lora.rank = 0; }), HasSubstr("as lora.rank is 0"));
}

}  // namespace
}  // namespace ccexpert::train

// Config of MiniGPT-4's row of Table IV.
#include <gtest/gtest.h>

#include <ccexpert/model/config.h>
#include <ccexpert/train/config.h>

#include "core/files.h"
#include "support/paths.h"
#include "train/shared/plan.h"

namespace ccexpert::train {
namespace {

const auto kConfigs = std::filesystem::path(test::kSourceDir) / "configs";

std::vector<TrainConfig> row(const char* name) {
  return read_train_config(kConfigs / "ablations" / (std::string(name) + ".yaml"), {});
}

TEST(MiniGpt4Config, TrainsAsTheOtherBasesOfTableIv) {
  const auto own = row("table4-minigpt4");
  auto other = row("table4-llava-onevision-7b");
  ASSERT_EQ(own.size(), 1u);
  ASSERT_EQ(other.size(), 1u);
  other[0].output = own[0].output;
  other[0].model = own[0].model;
  EXPECT_EQ(to_yaml_text(own[0]), to_yaml_text(other[0]));
}

TEST(MiniGpt4Config, BaseHasThePublishedSizes) {
  const auto file = kConfigs / "bases/minigpt4-7b/config.json";
  const auto config = model::parse_model_config(read_file(file), file.string());
  EXPECT_EQ(config.vision_layers, std::vector<int64_t>{39});
  EXPECT_EQ(config.vision.patches(), 256);
  EXPECT_EQ(config.image_tokens(), 32);
}

TEST(MiniGpt4Config, FitsOnEightGpus) {
  auto stage = row("table4-minigpt4").front();
  stage.model.start = (kConfigs / "bases/minigpt4-7b").string();
  const auto plan = plan_of(stage, 8);
  EXPECT_TRUE(plan.fits) << to_text(plan);
  ASSERT_EQ(plan.parts.size(), 3u);
  // ViT-g; norm, Q-Former and projection; LLaMA 7B with a row more, as Vicuna v0.
  EXPECT_EQ(plan.parts[0].parameters, 985'894'528);
  EXPECT_EQ(plan.parts[1].parameters, 108'314'880);
  EXPECT_EQ(plan.parts[2].parameters, 6'738'423'808);
}

}  // namespace
}  // namespace ccexpert::train

// Config of LLaVA-1.5's row of Table IV.
#include <gtest/gtest.h>

#include <ccexpert/train/config.h>

#include "support/paths.h"
#include "train/shared/plan.h"

namespace ccexpert::train {
namespace {

const auto kConfigs = std::filesystem::path(test::kSourceDir) / "configs";

std::vector<TrainConfig> row(const char* name) {
  return read_train_config(kConfigs / "ablations" / (std::string(name) + ".yaml"), {});
}

TEST(Llava15Config, TrainsAsTheOtherBasesOfTableIvOnItsOwnTargets) {
  const auto own = row("table4-llava-1.5-7b");
  auto other = row("table4-llava-onevision-7b");
  ASSERT_EQ(own.size(), 1U);
  ASSERT_EQ(other.size(), 1U);
  EXPECT_EQ(own[0].data.labels, text::LabelStyle::kCaptionOnly);
  other[0].data.labels = own[0].data.labels;
  other[0].output = own[0].output;
  other[0].model = own[0].model;
  EXPECT_EQ(to_yaml_text(own[0]), to_yaml_text(other[0]));
}

TEST(Llava15Config, FitsOnEightGpus) {
  auto stage = row("table4-llava-1.5-7b").front();
  stage.model.start = (kConfigs / "bases/llava-v1.5-7b").string();
  const auto plan = plan_of(stage, 8);
  EXPECT_TRUE(plan.fits) << to_text(plan);
  ASSERT_EQ(plan.parts.size(), 3U);
  // 23 blocks of ViT-L with class token; projector; LLaMA 7B.
  EXPECT_EQ(plan.parts[0].parameters, 290'909'184);
  EXPECT_EQ(plan.parts[1].parameters, 20'979'712);
  EXPECT_EQ(plan.parts[2].parameters, 6'738'415'616);
}

}  // namespace
}  // namespace ccexpert::train

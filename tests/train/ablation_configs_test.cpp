// Configs of the paper's ablations: each differs from the full recipe only in what its row leaves out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/train/config.h>

#include "support/paths.h"
#include "train/shared/plan.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAreArray;

const fs::path kConfigs = fs::path(test::kSourceDir) / "configs";

using Layers = std::vector<int64_t>;
const Layers kFour{-11, -8, -5, -2};

/// Row of a table, as its file's name, and what sets it apart.
struct Row {
  const char* name;
  Layers layers;  // empty: without the module
  int64_t depth;
  std::vector<std::string> stages;
  const char* size = "0.5b";

  friend std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }
};

const std::vector<Row> kRows{
    {"table4-llava-onevision-0.5b", {}, 0, {"stage3"}},
    {"table4-llava-onevision-7b", {}, 0, {"stage3"}, "7b"},
    {"table5-with-cc-foundation", kFour, 2, {"stage1", "stage2", "stage3"}},
    {"table5-without-cc-foundation", kFour, 2, {"stage3"}},
    {"table6-without-module", {}, 0, {"stage2", "stage3"}},
    {"table6-stage3", kFour, 2, {"stage3"}},
    {"table6-stages2-3", kFour, 2, {"stage2", "stage3"}},
    {"table6-stages1-3", kFour, 2, {"stage1", "stage2", "stage3"}},
    {"table7-one-scale", {-2}, 2, {"stage1", "stage2", "stage3"}},
    {"table7-two-scales", {-5, -2}, 2, {"stage1", "stage2", "stage3"}},
    {"table7-four-scales", kFour, 2, {"stage1", "stage2", "stage3"}},
    {"table7-four-scales-wide", {-20, -14, -8, -2}, 2, {"stage1", "stage2", "stage3"}},
    {"table8-one-layer", kFour, 1, {"stage1", "stage2", "stage3"}},
    {"table8-two-layers", kFour, 2, {"stage1", "stage2", "stage3"}},
    {"table8-three-layers", kFour, 3, {"stage1", "stage2", "stage3"}},
};

std::vector<TrainConfig> stages_of(const Row& row) {
  return read_train_config(kConfigs / "ablations" / (std::string(row.name) + ".yaml"), {});
}

TEST(AblationConfigs, EveryFileIsARowOfThisTest) {
  std::vector<std::string> files, rows;
  for (const auto& entry : fs::directory_iterator(kConfigs / "ablations")) {
    // Rows of other base models have tests of their own.
    const auto name = entry.path().stem().string();
    if (!name.starts_with("table4-") || name.starts_with("table4-llava-onevision")) files.push_back(name);
  }
  for (const auto& row : kRows) rows.emplace_back(row.name);
  std::sort(files.begin(), files.end());
  std::sort(rows.begin(), rows.end());
  EXPECT_THAT(files, ElementsAreArray(rows));
}

class AblationConfig : public ::testing::TestWithParam<Row> {};

INSTANTIATE_TEST_SUITE_P(Rows, AblationConfig, ::testing::ValuesIn(kRows), [](const auto& row) {
  std::string name = row.param.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
});

TEST_P(AblationConfig, HasItsModuleAndStages) {
  const auto& row = GetParam();
  const auto stages = stages_of(row);
  ASSERT_EQ(stages.size(), row.stages.size());
  for (size_t i = 0; i < stages.size(); ++i) {
    EXPECT_EQ(stages[i].name, row.stages[i]);
    EXPECT_EQ(stages[i].model.diff_expert, !row.layers.empty());
    EXPECT_EQ(stages[i].model.vision_layers, row.layers);
    EXPECT_EQ(stages[i].model.per_expert_depth, row.depth);
    EXPECT_EQ(stages[i].output, (fs::path("runs/ablations") / row.name / row.stages[i]).string());
  }
  EXPECT_EQ(stages.front().model.start, std::string("checkpoints/llava-onevision-qwen2-") + row.size + "-ov");
  EXPECT_EQ(stages.front().model.image_newline, !row.layers.empty());
}

TEST_P(AblationConfig, TrainsEachStageAsTheFullRecipeDoes) {
  const auto& row = GetParam();
  const auto full = read_train_config(kConfigs / (std::string("ccexpert-") + row.size + ".yaml"), {});
  for (const auto& stage : stages_of(row)) {
    SCOPED_TRACE(stage.name);
    const auto named = [&](const TrainConfig& each) { return each.name == stage.name; };
    auto same = *std::find_if(full.begin(), full.end(), named);
    same.output = stage.output;
    same.model = stage.model;
    EXPECT_EQ(to_yaml_text(stage), to_yaml_text(same));
  }
}

TEST_P(AblationConfig, FitsOnEightGpus) {
  const auto& row = GetParam();
  for (auto stage : stages_of(row)) {
    SCOPED_TRACE(stage.name);
    stage.model.start =
        (kConfigs / "bases" / fs::path(stages_of(row).front().model.start).filename()).string();
    // A base's config.json in place of the previous stage's model, which has no image newline any more.
    const auto plan = plan_of(stage, 8);
    EXPECT_TRUE(plan.fits) << to_text(plan);
    EXPECT_EQ(plan.parts.size(), row.layers.empty() ? 3U : 4U);
  }
}

}  // namespace
}  // namespace ccexpert::train

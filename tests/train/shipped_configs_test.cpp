// Shipped configs: all parse, and the paper's match its Table II.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/train/config.h>

#include "support/paths.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

const fs::path kConfigs = fs::path(test::kSourceDir) / "configs";

/// Folders of configs/ with other files: lists of data sets, sweeps, tables, published scores.
const std::set<fs::path> kOthers{kConfigs / "data", kConfigs / "sweeps", kConfigs / "tables",
                                 kConfigs / "published"};

/// Returns the training configs.
std::vector<fs::path> shipped() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(kConfigs)) {
    if (entry.path().extension() == ".yaml" && !kOthers.contains(entry.path().parent_path()))
      files.push_back(entry.path());
  }
  return files;
}

TEST(ShippedConfigs, AreAllRead) {
  const auto files = shipped();
  EXPECT_GE(files.size(), 7U);
  for (const auto& file : files) {
    SCOPED_TRACE(file.string());
    const auto stages = read_train_config(file, {});
    EXPECT_GE(stages.size(), 1U);
    for (const auto& stage : stages) EXPECT_EQ(stage.seed, 42);
  }
}

/// One of the paper's recipes: device and distribution over ranks.
struct Recipe {
  const char* file;
  int ranks;
  std::vector<int64_t> micro;  // of each stage
  bool script;                 // the released script's stage I
  bool recompute;              // true if activations do not fit otherwise

  friend std::ostream& operator<<(std::ostream& out, const Recipe& recipe) { return out << recipe.file; }
};

class PaperConfig : public ::testing::TestWithParam<Recipe> {
 protected:
  static std::vector<std::string> patterns(const TrainConfig& stage) {
    std::vector<std::string> patterns;
    for (const auto& rule : stage.optimizer.parameters) patterns.push_back(rule.pattern);
    return patterns;
  }
};

INSTANTIATE_TEST_SUITE_P(Recipes, PaperConfig,
                         ::testing::Values(Recipe{"ccexpert-0.5b.yaml", 8, {4, 2, 2}, false, false},
                                           Recipe{"ccexpert-0.5b-script.yaml", 8, {4, 2, 2}, true, false},
                                           Recipe{"ccexpert-7b.yaml", 8, {4, 2, 2}, false, true},
                                           Recipe{"ccexpert-7b-script.yaml", 8, {4, 2, 2}, true, true},
                                           Recipe{"ccexpert-72b.yaml", 32, {1, 1, 1}, false, true},
                                           Recipe{"ccexpert-0.5b-one-gpu.yaml", 1, {8, 8, 8}, false, false},
                                           Recipe{"ccexpert-0.5b-cpu.yaml", 1, {1, 1, 1}, false, true}),
                         [](const auto& recipe) {
                           auto name = fs::path(recipe.param.file).stem().string();
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
                           return name;
                         });

TEST_P(PaperConfig, HasTheNumbersOfTableII) {
  const auto& recipe = GetParam();
  const auto stages = read_train_config(kConfigs / recipe.file, {});
  ASSERT_EQ(stages.size(), 3U);
  const int64_t global[] = {64, 256, 256};
  const double epochs[] = {1.0, 1.0, 50.0};
  // The paper uses unique captions, the code all.
  const auto flatten = recipe.script ? CaptionChoice::kFlatten : CaptionChoice::kFlattenUnique;
  const CaptionChoice captions[] = {flatten, flatten, CaptionChoice::kRandomChoice};
  for (size_t i = 0; i < 3; ++i) {
    SCOPED_TRACE("stage " + std::to_string(i + 1));
    const auto& stage = stages[i];
    EXPECT_EQ(stage.batch.global, global[i]);
    EXPECT_EQ(stage.batch.micro, recipe.micro[i]);
    const int64_t accumulation = global[i] / (recipe.micro[i] * recipe.ranks);
    EXPECT_EQ(recipe.micro[i] * recipe.ranks * accumulation, global[i]);
    if (recipe.ranks == 8) {
      EXPECT_EQ(accumulation, i == 0 ? 2 : 16);
    }
    EXPECT_EQ(stage.batch.epochs, epochs[i]);
    EXPECT_EQ(stage.batch.max_steps, 0);
    EXPECT_EQ(stage.data.captions, captions[i]);
    EXPECT_EQ(stage.data.labels, text::LabelStyle::kReference);
    EXPECT_EQ(stage.optimizer.learning_rate, 1e-5);
    EXPECT_EQ(stage.optimizer.schedule, Decay::kCosine);
    EXPECT_EQ(stage.optimizer.warmup_ratio, 0.03);
    EXPECT_EQ(stage.optimizer.clip_norm, 1.0);
    EXPECT_EQ(stage.optimizer.beta1, 0.9);
    EXPECT_EQ(stage.optimizer.beta2, 0.999);
    EXPECT_EQ(stage.optimizer.eps, 1e-8);
    for (const auto& rule : stage.optimizer.parameters) EXPECT_EQ(rule.weight_decay, 0.0);
    EXPECT_EQ(stage.model.dtype, recipe.file == std::string("ccexpert-0.5b-cpu.yaml") ? Precision::kFloat32
                                                                                      : Precision::kBfloat16);
    EXPECT_EQ(stage.model.recompute, recipe.recompute);
    EXPECT_EQ(stage.distributed.zero, recipe.ranks == 32 ? 3 : recipe.ranks == 8 ? 2 : 0);
    EXPECT_FALSE(stage.loss.auxiliary());
    EXPECT_EQ(stage.loss.caption, 1.0);
    EXPECT_EQ(stage.evaluation.metric, Metric::kSStarM);
    EXPECT_EQ(stage.data.validation, recipe.script ? "data/levir-cc/test.json" : "data/levir-cc/val.json");
  }
  EXPECT_EQ(stages[0].evaluation.every_steps, 1000);
  EXPECT_EQ(stages[1].evaluation.every_steps, 250);
  EXPECT_TRUE(stages[2].evaluation.every_epoch);
  const char* mix = recipe.script ? "data/cc-foundation-released.yaml" : "data/cc-foundation.yaml";
  EXPECT_EQ(stages[0].data.train, mix);
  EXPECT_EQ(stages[1].data.train, mix);
  EXPECT_EQ(stages[2].data.train, "data/levir-cc/train.json");
}

TEST_P(PaperConfig, TrainsWhatThePaperOrTheScriptTrains) {
  const auto stages = read_train_config(kConfigs / GetParam().file, {});
  if (GetParam().script) {
    EXPECT_THAT(patterns(stages[0]), ElementsAre("model.vision_resampler.*", "model.mm_projector.*"));
  } else {
    EXPECT_THAT(patterns(stages[0]), ElementsAre("model.vision_resampler.*"));
  }
  for (const auto& rule : stages[0].optimizer.parameters) EXPECT_EQ(rule.lr_factor, 1.0);
  for (size_t i = 1; i < 3; ++i) {
    const auto& stage = stages[i];
    ASSERT_THAT(patterns(stage), ElementsAre("*", "model.vision_tower.*"));
    EXPECT_EQ(stage.optimizer.parameters[0].lr_factor, 1.0);
    EXPECT_DOUBLE_EQ(stage.optimizer.parameters[1].lr_factor * stage.optimizer.learning_rate, 2e-6);
    EXPECT_EQ(stage.model.start,
              (fs::path(stages[i - 1].output) / (GetParam().script ? "last" : "best")).string());
  }
}

}  // namespace
}  // namespace ccexpert::train

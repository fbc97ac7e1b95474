// Training and export of a composed base.
#include "model/shared/adapter.h"
#include "train/composed_base.h"
#include "train/run_folder.h"
#include "train/shared/export.h"
#include "train/trainer.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;

class ComposedTraining : public ComposedTest {
 protected:
  ComposedTraining() { compose(); }

  /// Config of a run of the base with a drawn Diff Expert.
  TrainConfig named(const std::string& run) const {
    auto config = test::tiny_config(folder_, pairs_);
    config.output = (folder_ / run).string();
    config.model.start = base_.string();
    config.model.vision_layers = {-5, -4, -3, -2};
    return config;
  }
  static TrainOutcome run(const TrainConfig& config) {
    return train(config, *distributed::single_process(), at::kCPU, {});
  }
  fs::path saved(const std::string& run, int64_t step) const {
    return RunFolder(folder_ / run).checkpoint(step);
  }

  const fs::path pairs_ = test::write_pairs(folder_, 4);
};

TEST_F(ComposedTraining, LowersTheLossAndKeepsTheDecodersConfig) {
  const auto outcome = run(named("run"));
  ASSERT_EQ(outcome.caption_losses.size(), 6u);
  EXPECT_LT(outcome.caption_losses.back(), outcome.caption_losses.front());
  const auto written = parse_json(read_file(saved("run", 6) / "config.json"), "config.json");
  EXPECT_EQ(written["model_type"], "llava_qwen3_cc");
  EXPECT_EQ(written["head_dim"], 8);
}

TEST_F(ComposedTraining, EndsWithTheSameBytesAfterARestart) {
  run(named("whole"));
  run(named("cut"));
  fs::remove_all(saved("cut", 6));
  run(named("cut"));
  int weights = 0;
  for (const auto& entry : fs::directory_iterator(saved("whole", 6))) {
    const auto name = entry.path().filename();
    if (name.extension() != ".safetensors") continue;
    EXPECT_EQ(read_file(saved("cut", 6) / name), read_file(entry.path())) << name;
    ++weights;
  }
  EXPECT_GE(weights, 2);
}

TEST_F(ComposedTraining, ExportHasTheSameWeights) {
  run(named("run"));
  const auto exported = folder_ / "exported";
  export_model({.from = saved("run", 6), .to = exported, .dtype = Precision::kFloat32});
  const auto before = model::open_model_checkpoint(saved("run", 6)),
             after = model::open_model_checkpoint(exported);
  EXPECT_EQ(after.weights->tensors().size(), before.weights->tensors().size());
  for (const auto& info : after.weights->tensors())
    EXPECT_TRUE(at::equal(after.weights->tensor(info.name), before.weights->tensor(info.name))) << info.name;
  const auto model =
      model::build_model(model::parse_model_config(after.config_json, "config.json"), *after.weights, {});
  EXPECT_TRUE(model->diff_expert() != nullptr);
  EXPECT_TRUE(model->decoder().config().qk_norm);
  EXPECT_TRUE(model->decoder().tied());
}

}  // namespace
}  // namespace ccexpert::train

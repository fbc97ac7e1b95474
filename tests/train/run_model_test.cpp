// What belongs to a run's model.
#include "train/run_model.h"

#include <gtest/gtest.h>

#include "support/errors.h"
#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

TEST(ParameterCount, EqualsWhatTrainsWhereEverythingTrains) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  const auto without_heads = parameter_count(start_run_model(config, at::kCPU));
  config.loss.mask = 1.0;
  auto run = start_run_model(config, at::kCPU);
  int64_t trains = 0;
  for (const auto& parameter : trainable_parameters(run, config)) trains += parameter.tensor.numel();
  EXPECT_EQ(parameter_count(run), trains);
  EXPECT_GT(trains, without_heads);
}

TEST(ImageSize, OfARunIsThatOfItsModelAndOfWhatItSaves) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  config.model.image_size = 98;
  const auto run = start_run_model(config, at::kCPU);
  EXPECT_EQ(run.model->config().vision.image_size, 98);
  EXPECT_EQ(run.preprocess.size, 98);
  std::vector<io::NamedTensor> tensors;
  for (const auto& item : run.model->named_parameters())
    tensors.push_back({item.key(), item.value().detach()});
  io::write_checkpoint({.folder = folder / "saved",
                        .config_json = run.config_json,
                        .tensors = tensors,
                        .companions = run.companions});
  config.model.image_size = 0;
  config.model.start = (folder / "saved").string();
  const auto saved = start_run_model(config, at::kCPU);
  EXPECT_EQ(saved.preprocess.size, 98);
  EXPECT_TRUE(test::same_weights(test::weights_of(*saved.model), test::weights_of(*run.model)));
}

TEST(ImageSize, BelowOnePatchIsAnError) {
  const test::TemporaryFolder folder;
  auto config = test::tiny_config(folder, test::write_pairs(folder, 1));
  config.model.image_size = 13;
  EXPECT_EQ(test::error_of([&] { start_run_model(config, at::kCPU); }),
            "model.image_size: expected at least a patch of 14 px, got 13");
}

}  // namespace
}  // namespace ccexpert::train

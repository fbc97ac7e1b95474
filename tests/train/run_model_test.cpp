// What belongs to a run's model.
#include "train/run_model.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace ccexpert::train

// Data of a step, and checks of losses and ranks against the data.
#include "train/run_data.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/temporary_folder.h"
#include "train/two_pairs.h"

namespace ccexpert::train {
namespace {

using test::two_pairs;

TEST(ToTensors, KeepsValuesAndShapes) {
  const auto batch = two_pairs();
  const auto tensors = to_tensors(two_pairs(), 2, at::TensorOptions().dtype(at::kFloat));
  EXPECT_EQ(tensors.pixels.sizes(), (at::IntArrayRef{4, 3, 2, 2}));
  EXPECT_EQ(tensors.pixels.flatten()[5].item<float>(), batch.pixels[5]);
  EXPECT_EQ(tensors.change_mask.sizes(), (at::IntArrayRef{2, 4}));
  EXPECT_EQ(tensors.change_mask[0][2].item<float>(), 0.5F);
  EXPECT_EQ(tensors.class_shares.sizes(), (at::IntArrayRef{4, 4, 3}));
  EXPECT_EQ(tensors.class_shares[1][0][2].item<float>(), batch.classes[14]);
  EXPECT_EQ(tensors.ids, batch.ids);
  EXPECT_EQ(tensors.labels, batch.labels);
}

TEST(ToTensors, HalfPrecisionIsForPixelsAlone) {
  const auto tensors = to_tensors(two_pairs(), 2, at::TensorOptions().dtype(at::kBFloat16));
  EXPECT_EQ(tensors.pixels.scalar_type(), at::kBFloat16);
  EXPECT_EQ(tensors.change_mask.scalar_type(), at::kFloat);
  EXPECT_EQ(tensors.class_shares.scalar_type(), at::kFloat);
}

/// Returns the samples per epoch of one pair with the captions a, b, a.
int64_t samples(CaptionChoice captions) {
  const test::TemporaryFolder folder;
  TrainConfig config;
  config.data.train =
      folder
          .write("pairs.json", R"([{"img1_path": "x", "img2_path": "y", "change_caption": ["a", "b", "a"]}])")
          .string();
  config.data.captions = captions;
  config.batch = {.global = 1, .micro = 1};
  return batch_plan(training_pairs(config), config, 0, 1).sampler().size();
}

TEST(Captions, AreAllSamplesOrUniqueOnesOrOneAPair) {
  EXPECT_EQ(samples(CaptionChoice::kFlatten), 3);
  EXPECT_EQ(samples(CaptionChoice::kFlattenUnique), 2);
  EXPECT_EQ(samples(CaptionChoice::kRandomChoice), 1);
}

TEST(Ranks, MustAllHaveAMicroBatch) {
  EXPECT_EQ(check_ranks({.global = 8, .micro = 2}, 4), "");
  EXPECT_EQ(check_ranks({.global = 8, .micro = 2}, 1), "");
  EXPECT_EQ(
      check_ranks({.global = 10, .micro = 2}, 4),
      "3 of 4 ranks idle at the end of each step: batch.global is not a multiple of batch.micro x ranks (8)");
  EXPECT_EQ(test::error_of([] { check_ranks({.global = 8, .micro = 2}, 5); }),
            "batch.global: expected a micro-batch for each of 5 ranks, 10 samples or more, got 8");
}

}  // namespace
}  // namespace ccexpert::train

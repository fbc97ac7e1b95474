// Memory of captions before any weight is loaded.
#include "generate/shared/caption_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::generate {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kBases = std::filesystem::path(test::kSourceDir) / "configs/bases";

std::vector<int64_t> ranks_of(const CaptionPlan& plan) {
  std::vector<int64_t> ranks;
  for (const auto& choice : plan.choices) ranks.push_back(choice.ranks);
  return ranks;
}

TEST(CaptionPlan, RanksShareBlocksAndCaches) {
  const auto plan = plan_captions(
      {.model = test::data_folder() / "checkpoint-tiny", .captioner = {.device = "cpu"}, .ranks = 2});
  // By hand: per block q and o of 64 x 64, k and v of 32 x 64, gate, up and down of 128 x 64, biases, norms.
  EXPECT_EQ(plan.shared, 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 128 * 64 + 64 + 2 * 32 + 2 * 64));
  EXPECT_DOUBLE_EQ(plan.asked.other.weights, 4.0 * static_cast<double>(plan.shared) / 2.0);
  EXPECT_DOUBLE_EQ(plan.asked.first.weights - plan.asked.other.weights,
                   4.0 * static_cast<double>(plan.whole));
  // Two layers, keys and values of 2 heads of 16, two images of 36 tokens, 64 of the prompt, 64 of the
  // caption.
  EXPECT_DOUBLE_EQ(plan.asked.other.caches, 4.0 * 2 * 2 * 32 * (2 * 36 + 64 + 64) / 2.0);
  EXPECT_EQ(ranks_of(plan), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(plan.gpu_bytes, 0.0);
}

TEST(CaptionPlan, TheFirstRankHasTheImageFeatures) {
  CaptionPlanRequest request{.model = test::data_folder() / "checkpoint-tiny",
                             .captioner = {.device = "cpu", .feature_cache = 0},
                             .ranks = 2};
  const auto without = plan_captions(request);
  EXPECT_THAT(to_text(without), ::testing::Not(HasSubstr("image features")));
  request.captioner.feature_cache = 3'000'000'000;
  const auto with = plan_captions(request);
  EXPECT_DOUBLE_EQ(with.asked.first.total() - without.asked.first.total(), 3e9);
  EXPECT_DOUBLE_EQ(with.asked.other.total(), without.asked.other.total());
  EXPECT_THAT(to_text(with), HasSubstr(" + image features up to 3.00\n"));
}

TEST(CaptionPlan, TheLargestBaseFitsOnFourGpus) {
  const auto plan = plan_captions({.model = kBases / "llava-onevision-qwen2-72b-ov", .pairs = 8, .ranks = 4});
  EXPECT_EQ(plan.fewest_gpus, 4);
  EXPECT_EQ(ranks_of(plan), (std::vector<int64_t>{1, 2, 4, 8}));
  EXPECT_THAT(to_text(plan),
              HasSubstr("llava-onevision-qwen2-72b-ov in bfloat16 on 4 ranks, 8 pairs at once\n"));
  EXPECT_THAT(to_text(plan), HasSubstr("fits on                    4 GPUs or more of 80 GB\n"));
}

TEST(CaptionPlan, BeamsAndSamplesHaveCachesOfTheirOwn) {
  CaptionPlanRequest request{.model = kBases / "llava-onevision-qwen2-0.5b-ov", .pairs = 2};
  const double greedy = plan_captions(request).asked.first.caches;
  request.generation.beams = 3;
  EXPECT_DOUBLE_EQ(plan_captions(request).asked.first.caches, 3.0 * greedy);
  request.generation = {.mbr = 3};
  EXPECT_DOUBLE_EQ(plan_captions(request).asked.first.caches, 3.0 * greedy);  // 2 prompts and 4 candidates
}

TEST(CaptionPlan, RefusesWhatRanksRefuse) {
  const auto refusal = [](const CaptionPlanRequest& request) {
    return test::error_of([&] { plan_captions(request); });
  };
  EXPECT_EQ(refusal({.model = kBases / "llava-onevision-qwen2-72b-ov", .ranks = 3}),
            "tensor parallelism: expected a number of ranks that divides 64 attention heads, got 3");
  EXPECT_EQ(
      refusal({.model = kBases / "llava-onevision-qwen2-72b-ov", .captioner = {.dtype = Precision::kInt8}}),
      "--plan: expected dtype float32, bfloat16 or float16, got int8");
  CaptionPlanRequest automatic{.model = kBases / "llava-onevision-qwen2-0.5b-ov",
                               .captioner = {.device = "cpu", .dtype = Precision::kAuto}};
  EXPECT_EQ(refusal(automatic),
            "--plan: expected dtype float32, bfloat16 or float16, got auto, which is int8 on a CPU");
  automatic.ranks = 2;
  EXPECT_EQ(plan_captions(automatic).precision, Precision::kFloat32);
  automatic.captioner.device = "cuda";
  EXPECT_EQ(plan_captions(automatic).precision, Precision::kBfloat16);
}

}  // namespace
}  // namespace ccexpert::generate

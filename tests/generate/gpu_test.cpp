// The small checkpoint on a GPU compared with the CPU; skipped without a GPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generate/tiny_captioner.h"
#include "runtime/device.h"
#include "runtime/recorded_work.h"
#include "support/environment.h"

namespace ccexpert::generate {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

class Gpu : public ::testing::TestWithParam<Precision> {};
INSTANTIATE_TEST_SUITE_P(Dtypes, Gpu,
                         ::testing::Values(Precision::kFloat32, Precision::kBfloat16, Precision::kFloat16),
                         [](const auto& dtype) { return text_of(dtype.param); });

TEST_P(Gpu, CaptionsAsTheCpu) {
  if (!runtime::device_from_name("auto").is_cuda()) GTEST_SKIP() << "this build or this machine has no GPU";
  const test::PaintedPairs pairs(3);
  const CaptionOptions options{.generation = {.max_new_tokens = 8}};
  const auto expected = test::tiny_captioner().caption(pairs.views(), options);
  const auto captioner = Captioner::load(test::tiny_folder(), {.device = "cuda", .dtype = GetParam()});
  const auto captions = captioner.caption(pairs.views(), options);
  const bool exact = GetParam() == Precision::kFloat32;
  for (size_t i = 0; i < pairs.size(); ++i) {
    // Half precision may choose another token if two are nearly as likely.
    if (exact) {
      EXPECT_EQ(captions[i].token_ids, expected[i].token_ids) << i;
    }
    EXPECT_NEAR(captions[i].logprob, expected[i].logprob, exact ? 1e-3 : 1.0) << i;
    EXPECT_FALSE(captions[i].token_ids.empty()) << i;
  }
}

/// A graph gives the captions of separate launches: greedy rows that end at their time, and beams.
TEST_P(Gpu, GraphsGiveTheCaptionsOfSeparateLaunches) {
  if (!runtime::device_from_name("auto").is_cuda()) GTEST_SKIP() << "this build or this machine has no GPU";
  const test::PaintedPairs pairs(3);
  const auto load = [] {
    return Captioner::load(test::tiny_folder(), {.device = "cuda", .dtype = GetParam()});
  };
  ASSERT_TRUE(runtime::can_record(at::Device(at::kCUDA)));
  const auto graphs = load();
  const test::Environment off("CCEXPERT_GPU_GRAPHS", "off");
  const auto launches = load();
  const bool exact = GetParam() == Precision::kFloat32;
  for (const int64_t beams : {1, 3}) {
    const CaptionOptions options{.generation = {.max_new_tokens = 8, .beams = beams}};
    const auto expected = launches.caption(pairs.views(), options);
    for (int round = 0; round < 2; ++round) {  // the second one finds the graph
      ::testing::internal::CaptureStderr();
      const auto captions = graphs.caption(pairs.views(), options);
      EXPECT_EQ(::testing::internal::GetCapturedStderr(), "") << "no warning of a recording that failed";
      for (size_t i = 0; i < pairs.size(); ++i) {
        if (exact) {
          EXPECT_EQ(captions[i].token_ids, expected[i].token_ids) << i;
        }
        EXPECT_NEAR(captions[i].logprob, expected[i].logprob, exact ? 1e-3 : 1.0) << i;
      }
    }
  }
}

/// Maps of the change and of words are those of the CPU, of all patches and of some.
TEST_P(Gpu, MapsAsTheCpu) {
  if (!runtime::device_from_name("auto").is_cuda()) GTEST_SKIP() << "this build or this machine has no GPU";
  const test::PaintedPairs pairs(3);
  const auto captioner = Captioner::load(test::tiny_folder(), {.device = "cuda", .dtype = GetParam()});
  const bool exact = GetParam() == Precision::kFloat32;
  const float most = exact ? 1e-3F : 0.1F;
  for (const double share : {1.0, 0.25}) {
    const CaptionOptions options{
        .generation = {.max_new_tokens = 8}, .keep_tokens = share, .locate = true, .words = true};
    const auto expected = test::tiny_captioner().caption(pairs.views(), options);
    const auto captions = captioner.caption(pairs.views(), options);
    for (size_t i = 0; i < pairs.size(); ++i) {
      ASSERT_TRUE(captions[i].change) << i;
      EXPECT_THAT(captions[i].change->map.values, Pointwise(FloatNear(most), expected[i].change->map.values));
      ASSERT_FALSE(captions[i].words.empty()) << i;
      for (size_t word = 0; exact && word < expected[i].words.size(); ++word) {
        EXPECT_THAT(captions[i].words.at(word).map.values,
                    Pointwise(FloatNear(most), expected[i].words[word].map.values));
      }
    }
  }
}

}  // namespace
}  // namespace ccexpert::generate

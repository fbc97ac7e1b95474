// The small checkpoint on a GPU compared with the CPU; skipped without a GPU.
#include <gtest/gtest.h>

#include "generate/tiny_captioner.h"
#include "runtime/device.h"

namespace ccexpert::generate {
namespace {

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

}  // namespace
}  // namespace ccexpert::generate

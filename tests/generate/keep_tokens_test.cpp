// Captions from a share of the image tokens.
#include "generate/keep_tokens.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/generate/conversation.h>

#include "generate/tiny_captioner.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::generate {
namespace {

using test::error_of;
using test::PaintedPairs;
using test::tiny_captioner;

TEST(KeepTokens, PatchesThatDifferFromTheMeanStayInOrder) {
  // Two pairs of four patches; what all patches of a pair share says nothing.
  const auto change = at::tensor({5., 5., 9., 1., 7., 7., 7., 8.}).view({2, 4, 1});
  EXPECT_TRUE(at::equal(changed_patches(change, 0.5).index({0}), at::tensor({2, 3}, at::kLong)));
  EXPECT_EQ(changed_patches(change, 0.25).index({1}).item<int64_t>(), 3);
  EXPECT_EQ(changed_patches(change, 0.26).size(1), 2) << "rounded up";
  EXPECT_EQ(changed_patches(change, 1e-9).size(1), 1);
  EXPECT_TRUE(at::equal(changed_patches(change, 1.0)[0], at::arange(4, at::kLong)));
}

TEST(KeepTokens, BothImagesOfAPairKeepTheSamePatches) {
  const auto features = at::arange(4 * 3 * 2, at::kFloat).view({4, 3, 2});
  const auto kept = at_patches(features, at::tensor({0, 2, 1, 2}, at::kLong).view({2, 2}));
  for (const int64_t image : {0, 1}) {
    EXPECT_TRUE(at::equal(kept[image], features[image].index_select(0, at::tensor({0, 2}, at::kLong))));
    EXPECT_TRUE(at::equal(kept[2 + image], features[2 + image].slice(0, 1)));
  }
}

TEST(KeepTokens, HaveThePositionsOfWholePrompts) {
  // Images of four patches and a newline; the second prompt is shorter.
  const std::vector<std::vector<int64_t>> ids{{7, -200, 8, -200, 9, 9}, {-200, -200, 9}};
  const auto patches = at::tensor({1, 3, 0, 2}, at::kLong).view({2, 2});
  const ThinnedPrompts prompts{.ids = ids, .patches = patches, .all_patches = 4, .other_tokens = 1};
  EXPECT_TRUE(at::equal(full_positions(prompts, {0, 0}, 10), at::tensor({0, 2, 4, 5, 6, 8, 10, 11, 12, 13,  //
                                                                         0, 2, 4, 5, 7, 9, 10, 11, 12, 13},
                                                                        at::kLong)
                                                                 .view({2, 10})));
  EXPECT_TRUE(at::equal(full_positions(prompts, {4, 5}, 6), at::tensor({6, 8, 10, 11, 12, 13,  //
                                                                        9, 10, 11, 12, 13, 14},
                                                                       at::kLong)
                                                                .view({2, 6})));
}

TEST(KeepTokens, AShareShortensThePrompt) {
  const auto captioner = Captioner::load(test::tiny_folder(), {.device = "cpu"});
  const PaintedPairs pairs(2);
  const auto tokens = [&](double share) {
    const auto before = captioner.timings().prompt_tokens;
    for (const auto& caption : captioner.caption(pairs.views(), {.keep_tokens = share}))
      EXPECT_FALSE(caption.token_ids.empty());
    return captioner.timings().prompt_tokens - before;
  };
  const auto all = tokens(1.0);
  EXPECT_EQ(all - tokens(0.5), 2 * 2 * 18);
  EXPECT_EQ(all - tokens(0.3), 2 * 2 * 25) << "11 of 36 patches stay";
}

TEST(KeepTokens, ABatchAndAConversationGiveWhatEachPairGivesAlone) {
  const PaintedPairs pairs(3);
  const CaptionOptions options{.generation = {.max_new_tokens = 12}, .keep_tokens = 0.4};
  const auto batch = tiny_captioner().caption(pairs.views(), options);
  auto conversation = tiny_captioner().converse(pairs.views());
  const auto whole = conversation.ask({.generation = {.max_new_tokens = 12}});
  const auto turn = conversation.ask(options);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto alone = tiny_captioner().caption(std::span(&pairs.views()[i], 1), options).front();
    EXPECT_EQ(batch[i].token_ids, alone.token_ids);
    EXPECT_EQ(turn[i].token_ids, alone.token_ids);
    EXPECT_NEAR(turn[i].logprob, alone.logprob, 1e-4);
    EXPECT_NE(whole[i].logprob, alone.logprob);
  }
}

TEST(KeepTokens, RefusesOtherSharesAndModelsWithoutDiffExpert) {
  const PaintedPairs pairs(1);
  for (const auto& [share, got] : {std::pair{0.0, "0"}, {-0.5, "-0.5"}, {1.5, "1.5"}}) {
    EXPECT_EQ(error_of([&] { tiny_captioner().caption(pairs.views(), {.keep_tokens = share}); }),
              std::string("keep_tokens: expected above 0 and at most 1, got ") + got);
  }
  const test::TemporaryFolder folder;
  test::write_base_checkpoint(folder.path());
  const auto base = Captioner::load(folder.path(), {.device = "cpu"});
  EXPECT_EQ(error_of([&] { base.caption(pairs.views(), {.keep_tokens = 0.5}); }),
            "keep_tokens: expected 1 for a model without Diff Expert, got 0.5");
  EXPECT_FALSE(base.caption(pairs.views(), {.keep_tokens = 1.0}).front().token_ids.empty());
}

}  // namespace
}  // namespace ccexpert::generate

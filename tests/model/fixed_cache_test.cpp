// Decode steps of fixed shapes against ordinary passes with a growing cache.
#include "model/shared/fixed_cache.h"

#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "model/golden_decoder.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using test::close;
using test::error_of;

/// Prompts of 3, 7 and 5 tokens in a cache.
class FixedStepTest : public ::testing::TestWithParam<const char*> {
 protected:
  FixedStepTest() {
    decoder_ = test::golden_decoder(GetParam());
    cache_ = KvCache(decoder_->config().num_hidden_layers, 32);
    decoder_->forward(
        decoder_->embed(
            ids({1, 2, 3, 0, 0, 0, 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 0}).view({3, 7})),
        &cache_, {3, 7, 5});
  }

  static at::Tensor ids(const std::vector<int64_t>& values) { return at::tensor(values, at::kLong); }

  /// Returns the logits [3,V] of a growing cache after one more token in each row.
  at::Tensor grown(const std::vector<int64_t>& tokens) {
    return decoder_->logits(decoder_->forward(decoder_->embed(ids(tokens).unsqueeze(1)), &cache_))
        .select(1, 0);
  }

  const at::NoGradGuard no_grad_;
  std::shared_ptr<Decoder> decoder_;
  KvCache cache_{1, 1};
};
INSTANTIATE_TEST_SUITE_P(Decoders, FixedStepTest, ::testing::Values("untied", "tied"));

TEST_P(FixedStepTest, EqualsAnOrdinaryPass) {
  FixedCache fixed(cache_, 4, 24);  // one row and more places than needed
  fixed.load(cache_);
  std::vector<int64_t> positions{3, 7, 5, 0};
  for (const auto& tokens : std::vector<std::vector<int64_t>>{{5, 6, 7}, {9, 2, 4}, {1, 1, 3}}) {
    fixed.positions().copy_(ids(positions));
    const auto step = decoder_->step(ids({tokens[0], tokens[1], tokens[2], 0}), fixed);
    EXPECT_TRUE(close(step.narrow(0, 0, 3), grown(tokens)));
    for (size_t row = 0; row < 3; ++row) ++positions[row];
  }
}

TEST_P(FixedStepTest, ALoadLeavesNothingOfEarlierRows) {
  FixedCache fixed(cache_, 3, 24), fresh(cache_, 3, 24);
  fixed.positions().fill_(10);
  const auto nothing =
      at::full({3, decoder_->config().num_key_value_heads, 1, decoder_->config().head_width()},
               std::numeric_limits<double>::quiet_NaN());
  fixed.append(0, nothing, nothing);  // no mask stops it: zero times NaN
  for (auto* cache : {&fixed, &fresh}) {
    cache->load(cache_);
    cache->positions().copy_(ids({3, 7, 5}));
  }
  EXPECT_TRUE(at::equal(decoder_->step(ids({5, 6, 7}), fixed), decoder_->step(ids({5, 6, 7}), fresh)));
}

TEST_P(FixedStepTest, ACopiedRowContinuesLikeItsSource) {
  FixedCache fixed(cache_, 4, 24);
  fixed.load(cache_);
  fixed.copy_rows({1}, {3});
  fixed.copy_rows({}, {});
  fixed.positions().copy_(ids({3, 7, 5, 7}));
  const auto logits = decoder_->step(ids({5, 6, 7, 6}), fixed);
  EXPECT_TRUE(close(logits[3], logits[1], {1e-6, 1e-6}));
}

TEST_P(FixedStepTest, RefusesMoreThanItHolds) {
  FixedCache few(cache_, 2, 24), narrow(cache_, 3, 6);
  EXPECT_EQ(error_of([&] { few.load(cache_); }),
            "fixed KV cache: expected at most 2 rows of 24 tokens, got 3 of 7");
  EXPECT_EQ(error_of([&] { narrow.load(cache_); }),
            "fixed KV cache: expected at most 3 rows of 6 tokens, got 3 of 7");
}

TEST_P(FixedStepTest, BytesAreThoseOfItsKeysAndValues) {
  const auto& config = decoder_->config();
  EXPECT_EQ(FixedCache::bytes(cache_, 3, 24), config.num_hidden_layers * 2 * 3 * 24 * config.key_width() * 4);
}

}  // namespace
}  // namespace ccexpert::model

// Attention in tiles, against the same attention in float64.
#include "kernels/tiled_attention.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include "kernels/attention.h"
#include "kernels/cpu_level.h"
#include "support/golden.h"

namespace ccexpert::kernels {
namespace {

struct Sizes {
  int64_t queries, keys, heads, key_heads, width;
  bool causal;
};

class TiledAttention : public ::testing::TestWithParam<Sizes> {
 protected:
  void SetUp() override {
    if (!multiplies_bfloat16()) GTEST_SKIP() << "this machine has no products of bfloat16";
  }

  at::Tensor random(int64_t tokens, int64_t heads, uint64_t seed) const {
    auto generator = at::detail::createCPUGenerator(seed);
    return at::empty({2, tokens, heads, GetParam().width})
        .normal_(0.0, 1.0, generator)
        .to(at::kBFloat16)
        .transpose(1, 2);
  }
};

INSTANTIATE_TEST_SUITE_P(Sizes, TiledAttention,
                         ::testing::Values(Sizes{1, 1, 1, 1, 8, false}, Sizes{7, 90, 2, 2, 16, false},
                                           Sizes{64, 512, 2, 1, 64, false}, Sizes{65, 513, 2, 2, 72, false},
                                           Sizes{130, 1100, 2, 1, 32, false}, Sizes{70, 70, 2, 1, 16, true},
                                           Sizes{650, 650, 4, 2, 8, true}, Sizes{600, 620, 4, 2, 8, true},
                                           Sizes{3, 700, 2, 1, 16, true}),
                         [](const auto& test) {
                           const auto& sizes = test.param;
                           return std::to_string(sizes.queries) + "queries" + std::to_string(sizes.keys) +
                                  "keys" + (sizes.causal ? "Causal" : "");
                         });

TEST_P(TiledAttention, IsThatOfFloat64) {
  const auto& sizes = GetParam();
  const auto q = random(sizes.queries, sizes.heads, 1) * 2.0, k = random(sizes.keys, sizes.key_heads, 2),
             v = random(sizes.keys, sizes.key_heads, 3);
  ASSERT_TRUE(can_tile_attention(q, k, v));
  const auto wide = [](const at::Tensor& x) { return x.to(at::kDouble); };
  std::optional<at::Tensor> mask;
  if (sizes.causal)  // the last query is at the last key
    mask = at::ones({sizes.queries, sizes.keys}, at::kBool).tril(sizes.keys - sizes.queries);
  const auto expected = at::scaled_dot_product_attention(wide(q), wide(k), wide(v), mask, 0.0, false,
                                                         std::nullopt, sizes.heads != sizes.key_heads);
  const auto result = tiled_attention(q, k, v, sizes.causal);
  EXPECT_EQ(result.sizes(), q.sizes());
  // Weights and results are rounded to 8 bits.
  EXPECT_TRUE(test::close(wide(result), expected, {6e-3, 6e-3}));
}

TEST_P(TiledAttention, OfLargeScoresIsFinite) {
  const auto& sizes = GetParam();
  const auto q = random(sizes.queries, sizes.heads, 4) * 1e4,
             k = random(sizes.keys, sizes.key_heads, 5) * 1e4;
  const auto v = random(sizes.keys, sizes.key_heads, 6);
  EXPECT_TRUE(at::isfinite(tiled_attention(q, k, v, sizes.causal)).all().item<bool>());
}

TEST(CanTileAttention, RefusesGradientsAndOtherTypes) {
  if (!multiplies_bfloat16()) GTEST_SKIP() << "this machine has no products of bfloat16";
  const auto x = at::ones({1, 2, 3, 8}, at::kBFloat16);
  EXPECT_TRUE(can_tile_attention(x, x, x));
  EXPECT_FALSE(can_tile_attention(x.to(at::kFloat), x, x));
  EXPECT_FALSE(can_tile_attention(x, x, x.transpose(2, 3).contiguous().transpose(2, 3)));
  const auto odd = at::ones({1, 2, 3, 7}, at::kBFloat16);
  EXPECT_FALSE(can_tile_attention(odd, odd, odd));
  const auto learnt = at::ones({1, 2, 3, 8}, at::kBFloat16).requires_grad_(true);
  EXPECT_FALSE(can_tile_attention(learnt, x, x));
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(can_tile_attention(learnt, x, x));
}

}  // namespace
}  // namespace ccexpert::kernels

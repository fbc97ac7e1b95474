// Attention by both kinds of kernel: equal values and gradients for all precisions and lengths.
#include "kernels/attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "kernels/blocked_attention.h"
#include "support/fresh_memory.h"
#include "support/golden.h"

namespace ccexpert::kernels {
namespace {

/// bfloat16 has 8 bits: sums of values around 1 are accurate to some hundredths.
constexpr test::Tolerance kHalf{0.03, 0.03};

struct Sizes {
  int64_t queries, keys, heads, key_heads;
};

struct Result {
  at::Tensor out, q_grad, k_grad, v_grad;
};

class Attention : public ::testing::TestWithParam<Sizes> {
 protected:
  Attention() {
    const auto& sizes = GetParam();
    auto generator = at::detail::createCPUGenerator(3);
    const auto random = [&](int64_t tokens, int64_t heads) {
      return at::empty({2, tokens, heads, 16}).normal_(0.0, 1.0, generator).to(at::kBFloat16).transpose(1, 2);
    };
    q_ = random(sizes.queries, sizes.heads);
    k_ = random(sizes.keys, sizes.key_heads);
    v_ = random(sizes.keys, sizes.key_heads);
  }

  Result run(at::ScalarType type, const AttentionMask& mask) const {
    const auto leaf = [&](const at::Tensor& x) { return x.to(type).detach().requires_grad_(true); };
    const auto q = leaf(q_), k = leaf(k_), v = leaf(v_);
    const auto out = attention(q, k, v, mask);
    (out * out).sum().backward();
    return {out.detach(), q.grad(), k.grad(), v.grad()};
  }

  void expect_same(const AttentionMask& mask) const {
    const auto half = run(at::kBFloat16, mask), full = run(at::kFloat, mask);
    EXPECT_EQ(half.out.scalar_type(), at::kBFloat16);
    EXPECT_TRUE(test::close(half.out.to(at::kFloat), full.out, kHalf));
    EXPECT_TRUE(test::close(half.q_grad.to(at::kFloat), full.q_grad, kHalf));
    EXPECT_TRUE(test::close(half.k_grad.to(at::kFloat), full.k_grad, kHalf));
    EXPECT_TRUE(test::close(half.v_grad.to(at::kFloat), full.v_grad, kHalf));
  }

  at::Tensor q_, k_, v_;
};

INSTANTIATE_TEST_SUITE_P(Sizes, Attention,
                         ::testing::Values(Sizes{7, 7, 4, 4}, Sizes{40, 40, 4, 2}, Sizes{300, 300, 2, 1}),
                         [](const auto& sizes) { return std::to_string(sizes.param.keys) + "keys"; });

TEST_P(Attention, OfAllKeysIsTheSameInHalfPrecision) {
  expect_same({});
}

TEST_P(Attention, CausalIsTheSameInHalfPrecision) {
  expect_same({.causal = true});
}

TEST_P(Attention, MaskedIsTheSameInHalfPrecision) {
  const auto& sizes = GetParam();
  const auto own = at::arange(sizes.queries).unsqueeze(-1), key = at::arange(sizes.keys);
  expect_same({.visible = (key - own).abs().le(3).unsqueeze(0).unsqueeze(0)});
}

TEST_P(Attention, CausalQueriesSeeNothingLater) {
  const auto first = attention(q_, k_, v_, {.causal = true});
  v_.slice(2, 3).fill_(100.0);
  const auto second = attention(q_, k_, v_, {.causal = true});
  EXPECT_TRUE(at::equal(first.slice(2, 0, 3), second.slice(2, 0, 3)));
  EXPECT_FALSE(at::equal(first, second));
}

TEST_P(Attention, CausalQueriesThatAreFewerAreTheLastOnes) {
  const auto& sizes = GetParam();
  const int64_t fewer = sizes.queries / 3 * 2;
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const auto q = q_.to(type), k = k_.to(type), v = v_.to(type);
    const auto last = attention(q.slice(2, sizes.queries - fewer), k, v, {.causal = true});
    const auto all = attention(q, k, v, {.causal = true}).slice(2, sizes.queries - fewer);
    EXPECT_TRUE(test::close(last.to(at::kFloat), all.to(at::kFloat),
                            type == at::kFloat ? test::Tolerance{1e-6, 1e-6} : kHalf));
  }
}

struct Blocks {
  int64_t heads, key_heads, queries, keys;
  bool causal;
  ScoreBlock block;
};

class BlockedAttention : public ::testing::TestWithParam<Blocks> {};

INSTANTIATE_TEST_SUITE_P(
    Sizes, BlockedAttention,
    ::testing::Values(
        Blocks{3, 3, 10, 10, false, {10'000, 256, 0}},  // one block
        Blocks{3, 3, 10, 14, false, {280, 4, 10'000}},  // kept; two heads at once, then two, then two
        Blocks{5, 5, 10, 14, false, {300, 4, 0}},       // number of heads not divisible by a block's
        Blocks{2, 1, 10, 14, false, {60, 4, 0}},        // queries too, the last block smaller
        Blocks{4, 2, 11, 11, true, {60, 4, 10'000}},    // kept; later blocks attend to more keys
        Blocks{5, 5, 10, 14, false, {120, 4, 0}},       // two heads and some of their queries
        Blocks{4, 2, 11, 11, true, {100, 4, 10'000}},   // kept; two heads and some of their queries
        Blocks{4, 1, 9, 9, true, {1, 1, 0}}),           // one query at a time
    [](const auto& sizes) { return std::to_string(sizes.index); });

// In float32, which both compute nearly exactly.
TEST_P(BlockedAttention, EqualsTheFusedKernelWithItsGradients) {
  const test::FreshMemoryIsNan fresh;  // scores are written into reused memory
  const auto& sizes = GetParam();
  auto generator = at::detail::createCPUGenerator(5);
  const auto random = [&](int64_t heads, int64_t tokens) {
    return at::empty({2, tokens, heads, 8}).normal_(0.0, 1.0, generator).transpose(1, 2);
  };
  const auto q = random(sizes.heads, sizes.queries), k = random(sizes.key_heads, sizes.keys),
             v = random(sizes.key_heads, sizes.keys), weights = random(sizes.heads, sizes.queries);
  const auto run = [&](const auto& attend) {
    const auto leaf = [](const at::Tensor& x) { return x.detach().requires_grad_(true); };
    const auto queries = leaf(q), keys = leaf(k), values = leaf(v);
    const auto out = attend(queries, keys, values);
    (out * weights).sum().backward();
    return Result{out.detach(), queries.grad(), keys.grad(), values.grad()};
  };
  const auto blocked = run([&](const auto& queries, const auto& keys, const auto& values) {
    return blocked_attention(queries, keys, values, sizes.causal, sizes.block);
  });
  const auto fused = run([&](const auto& queries, const auto& keys, const auto& values) {
    return attention(queries, keys, values, {.causal = sizes.causal});
  });
  EXPECT_TRUE(test::close(blocked.out, fused.out));
  EXPECT_TRUE(test::close(blocked.q_grad, fused.q_grad));
  EXPECT_TRUE(test::close(blocked.k_grad, fused.k_grad));
  EXPECT_TRUE(test::close(blocked.v_grad, fused.v_grad));
}

}  // namespace
}  // namespace ccexpert::kernels

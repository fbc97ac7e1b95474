// Attention by either kind of kernel: the same values and gradients, whatever precision and length.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ccexpert/model/layers.h>

#include "support/golden.h"

namespace ccexpert {
namespace {

/// bfloat16 has 8 bits: of sums of values around 1 some hundredths stay.
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

}  // namespace
}  // namespace ccexpert

#include "generate/change_evidence.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace ccexpert::generate {
namespace {

TEST(ChangeEvidence, IsTheDistanceOfTheDatesTimesTheRelativeSquareOfTheChange) {
  // One pair of two patches: the first is the same at both dates, the second has orthogonal features.
  EncodedPairs pairs;
  pairs.features = at::tensor({1., 0., 1., 0., 2., 0., 0., 3.}, at::kFloat).view({2, 2, 2});
  const auto without = change_maps(pairs);
  ASSERT_EQ(without.sizes(), at::IntArrayRef({1, 2}));
  EXPECT_EQ(without[0][0].item<float>(), 0.0F);
  EXPECT_NEAR(without[0][1].item<float>(), 0.25 / (0.25 + 0.28 * 0.28), 1e-6) << "a cosine distance of 0.5";
  pairs.images.change = at::tensor({5., 5., 0.2, 0.4}, at::kFloat).view({1, 2, 2});
  const auto with = change_maps(pairs);
  const double strength = (0.04 + 0.16) / 2.0;
  const double evidence = 0.5 * strength / ((25.0 + strength) / 2.0);
  EXPECT_EQ(with[0][0].item<float>(), 0.0F);
  EXPECT_NEAR(with[0][1].item<float>(), evidence * evidence / (evidence * evidence + 0.3 * 0.3), 1e-6);
}

TEST(ChangeEvidence, DoesNotGrowWithTheStrengthOfAllPatches) {
  EncodedPairs pairs;
  pairs.features = at::tensor({1., 0., 1., 0., 2., 0., 0., 3.}, at::kFloat).view({2, 2, 2});
  pairs.images.change = at::tensor({1., 2., 3., 4.}, at::kFloat).view({1, 2, 2});
  const auto map = change_maps(pairs);
  pairs.images.change = pairs.images.change * 10.0;
  EXPECT_TRUE(at::allclose(change_maps(pairs), map)) << "another light of one date strengthens Q* everywhere";
}

TEST(ChangeEvidence, IsNoneWithoutAnyStrength) {
  EncodedPairs pairs;
  pairs.features = at::tensor({1., 0., 1., 0., 2., 0., 0., 3.}, at::kFloat).view({2, 2, 2});
  pairs.images.change = at::zeros({1, 2, 2}, at::kFloat);
  EXPECT_TRUE(at::equal(change_maps(pairs), at::zeros({1, 2}, at::kFloat)));
}

TEST(ChangeEvidence, StrengthIsTheMeanOfTheLargestFiftieth) {
  auto map = at::zeros({100}, at::kFloat);
  map[7] = 0.8;
  map[50] = 0.4;
  map[51] = 0.3;
  EXPECT_NEAR(change_strength(map), 0.6, 1e-6);
  EXPECT_NEAR(change_strength(map.narrow(0, 0, 10)), 0.8, 1e-6) << "at least one patch";
}

}  // namespace
}  // namespace ccexpert::generate

// Features of images that occur again, and captions with and without them.
#include "generate/shared/feature_cache.h"

#include <memory>
#include <string_view>

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generate/tiny_captioner.h"
#include "support/errors.h"

namespace ccexpert::generate {
namespace {

using ::testing::ElementsAre;

/// Tower of two scales that records the sizes of its batches.
class CountingTower {
 public:
  FeatureCache::Tower function() {
    return [this](const at::Tensor& pixels) {
      batches.push_back(pixels.size(0));
      const auto values = pixels.flatten(1).narrow(1, 0, 4);
      return std::vector<at::Tensor>{values * 2.0, values * 3.0};
    };
  }
  std::vector<int64_t> batches;
};

/// Bytes of an image's features: two scales of four floats.
constexpr int64_t kImageBytes = 2 * 4 * 4;

/// Returns one image [1,3,2,2] for each number.
at::Tensor images(const std::vector<float>& numbers) {
  return at::tensor(numbers).view({-1, 1, 1, 1}).expand({-1, 3, 2, 2}).contiguous();
}

void expect_features(const std::vector<at::Tensor>& found, const std::vector<float>& numbers) {
  const auto expected = images(numbers).flatten(1).narrow(1, 0, 4);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_TRUE(at::equal(found[0], expected * 2.0));
  EXPECT_TRUE(at::equal(found[1], expected * 3.0));
}

TEST(FeatureCache, AnImageIsEncodedOnce) {
  CountingTower tower;
  FeatureCache cache(1000);
  expect_features(cache.features(images({1, 2}), tower.function()), {1, 2});
  expect_features(cache.features(images({2, 3}), tower.function()), {2, 3});
  expect_features(cache.features(images({3, 1}), tower.function()), {3, 1});
  expect_features(cache.features(images({4, 5, 4, 4}), tower.function()), {4, 5, 4, 4});
  EXPECT_THAT(tower.batches, ElementsAre(2, 1, 2));
  EXPECT_EQ(cache.counts().encoded, 5);
  EXPECT_EQ(cache.counts().reused, 5);
  EXPECT_EQ(cache.bytes(), 5 * kImageBytes);
}

TEST(FeatureCache, TheLeastRecentlyUsedImagesGiveWay) {
  CountingTower tower;
  FeatureCache cache(2 * kImageBytes + 1);
  cache.features(images({1, 2}), tower.function());
  cache.features(images({1}), tower.function());
  cache.features(images({3}), tower.function());  // takes the place of 2
  EXPECT_EQ(cache.bytes(), 2 * kImageBytes);
  cache.features(images({1, 3}), tower.function());
  EXPECT_THAT(tower.batches, ElementsAre(2, 1));
  expect_features(cache.features(images({2}), tower.function()), {2});
  EXPECT_THAT(tower.batches, ElementsAre(2, 1, 1));
}

TEST(FeatureCache, ACallMayHaveMoreImagesThanTheBudgetHolds) {
  CountingTower tower;
  FeatureCache cache(kImageBytes);
  expect_features(cache.features(images({1, 2, 3, 2}), tower.function()), {1, 2, 3, 2});
  EXPECT_EQ(cache.bytes(), kImageBytes);
  FeatureCache small(kImageBytes - 1);
  expect_features(small.features(images({1, 2}), tower.function()), {1, 2});
  EXPECT_EQ(small.bytes(), 0);
}

/// Counts copies of tensors on this thread during its lifetime.
class CountedCopies {
 public:
  CountedCopies() {
    count = 0;
    const auto counts = [](const at::RecordFunction& function) -> std::unique_ptr<at::ObserverContext> {
      count += std::string_view(function.name()) == "aten::clone" ? 1 : 0;
      return nullptr;
    };
    handle_ =
        at::addThreadLocalCallback(at::RecordFunctionCallback(counts).scopes({at::RecordScope::FUNCTION}));
  }
  ~CountedCopies() { at::removeCallback(handle_); }
  CountedCopies(const CountedCopies&) = delete;
  CountedCopies& operator=(const CountedCopies&) = delete;

  static inline int count = 0;

 private:
  at::CallbackHandle handle_;
};

TEST(FeatureCache, CopiesOnlyWhatItKeeps) {
  CountingTower tower;
  const auto several = images({1, 2, 1}), one = images({1});
  const CountedCopies copies;
  FeatureCache(kImageBytes - 1).features(several, tower.function());
  EXPECT_EQ(CountedCopies::count, 0);
  FeatureCache(kImageBytes).features(one, tower.function());
  EXPECT_EQ(CountedCopies::count, 2);  // two scales
}

TEST(FeatureCache, WithoutABudgetEveryImageIsEncoded) {
  CountingTower tower;
  FeatureCache cache(0);
  expect_features(cache.features(images({1, 1}), tower.function()), {1, 1});
  expect_features(cache.features(images({1}), tower.function()), {1});
  EXPECT_THAT(tower.batches, ElementsAre(2, 1));
  EXPECT_EQ(cache.counts().reused, 0);
}

TEST(FeatureCache, AnErrorOfTheTowerLeavesNothing) {
  FeatureCache cache(1000);
  const auto fails = [](const at::Tensor&) -> std::vector<at::Tensor> { throw std::runtime_error("full"); };
  EXPECT_THROW(cache.features(images({1}), fails), std::runtime_error);
  CountingTower tower;
  expect_features(cache.features(images({1}), tower.function()), {1});
  EXPECT_THAT(tower.batches, ElementsAre(1));
}

/// Returns each date with the next one.
std::vector<ImagePair> series(const std::vector<image::Image>& dates) {
  std::vector<ImagePair> pairs;
  for (size_t i = 0; i + 1 < dates.size(); ++i) pairs.push_back({dates[i].view(), dates[i + 1].view()});
  return pairs;
}

TEST(FeatureCache, ASeriesCostsOneEncodeForEachDate) {
  std::vector<image::Image> dates;
  for (uint64_t i = 0; i < 6; ++i) dates.push_back(test::painted(i));
  const auto pairs = series(dates);
  const auto cached = Captioner::load(test::tiny_folder(), {.device = "cpu"});
  const auto plain = Captioner::load(test::tiny_folder(), {.device = "cpu", .feature_cache = 0});
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto found = cached.caption(std::span(&pairs[i], 1)).front();
    const auto expected = plain.caption(std::span(&pairs[i], 1)).front();
    EXPECT_EQ(found.text, expected.text);
    EXPECT_EQ(found.token_ids, expected.token_ids);
    EXPECT_NEAR(found.logprob, expected.logprob, 1e-4);
  }
  EXPECT_EQ(cached.timings().encoded_images, 6);
  EXPECT_EQ(cached.timings().reused_images, 4);
  EXPECT_EQ(plain.timings().encoded_images, 10);
  EXPECT_EQ(plain.timings().reused_images, 0);
  const auto batch = cached.caption(pairs);
  const auto expected = plain.caption(pairs);
  for (size_t i = 0; i < pairs.size(); ++i) EXPECT_EQ(batch[i].token_ids, expected[i].token_ids);
  EXPECT_EQ(cached.timings().encoded_images, 6);
}

TEST(FeatureCache, RefusesANegativeBudget) {
  EXPECT_EQ(test::error_of([] { Captioner::load(test::tiny_folder(), {.feature_cache = -1}); }),
            "feature_cache: expected bytes, or 0 for none, got -1");
}

}  // namespace
}  // namespace ccexpert::generate

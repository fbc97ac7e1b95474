#include "data/shared/sampler.h"

#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/counter_random.h"
#include "support/errors.h"

namespace ccexpert::data {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// 20 pairs of 1 to 5 captions; every fourth is visited twice.
std::vector<PairVisits> some_pairs() {
  std::vector<PairVisits> pairs;
  for (int64_t i = 0; i < 20; ++i) pairs.push_back({1 + i % 5, i % 4 == 0 ? 2 : 1});
  return pairs;
}

EpochSampler flatten(uint64_t seed = 42) {
  return {some_pairs(), CaptionMode::kFlatten, seed};
}
EpochSampler random_choice(uint64_t seed = 42) {
  return {some_pairs(), CaptionMode::kRandomChoice, seed};
}

std::map<std::pair<int64_t, int64_t>, int> counts(const std::vector<SampleIndex>& samples) {
  std::map<std::pair<int64_t, int64_t>, int> result;
  for (const auto& sample : samples) ++result[{sample.pair, sample.caption}];
  return result;
}

/// The captions drawn for each pair, whatever the order of the samples.
std::vector<std::pair<int64_t, int64_t>> drawn(const EpochSampler& sampler, int64_t epoch) {
  std::vector<std::pair<int64_t, int64_t>> result;
  for (const auto& sample : sampler.order(epoch)) result.emplace_back(sample.pair, sample.caption);
  std::sort(result.begin(), result.end());
  return result;
}

TEST(CounterRandom, IsSplitmix64) {
  // First number of the published generator for state 0.
  EXPECT_EQ(splitmix64(0x9E3779B97F4A7C15ULL), 0xE220A8397B1DCDAFULL);
}

TEST(CounterRandom, EveryPlaceIsAsLikely) {
  std::vector<int> first(10);
  for (uint64_t key = 0; key < 10000; ++key) {
    std::vector<size_t> items{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    shuffle(items, CounterRandom(RandomUse::kOrder, 7, key));
    ++first[items.front()];
  }
  // Five standard deviations of a binomial count.
  for (const int count : first) EXPECT_NEAR(count, 1000, 150);
}

TEST(EpochSampler, OrderIsTheSameOnEveryMachine) {
  const EpochSampler sampler({{1, 1}, {2, 1}, {3, 1}}, CaptionMode::kFlatten, 42);
  // Calculated independently in Python.
  EXPECT_THAT(sampler.order(0), ElementsAre(SampleIndex{2, 2}, SampleIndex{2, 0}, SampleIndex{2, 1},
                                            SampleIndex{1, 0}, SampleIndex{1, 1}, SampleIndex{0, 0}));
  EXPECT_THAT(sampler.order(1), ElementsAre(SampleIndex{2, 2}, SampleIndex{0, 0}, SampleIndex{1, 0},
                                            SampleIndex{1, 1}, SampleIndex{2, 1}, SampleIndex{2, 0}));
}

TEST(EpochSampler, FlattenHasEveryCaptionOncePerVisit) {
  const auto sampler = flatten();
  const auto pairs = some_pairs();
  int64_t total = 0;
  for (const auto& pair : pairs) total += pair.captions * pair.repeat;
  EXPECT_EQ(sampler.size(), total);
  const auto found = counts(sampler.order(3));
  for (int64_t pair = 0; pair < 20; ++pair) {
    const auto& [captions, repeat] = pairs[static_cast<size_t>(pair)];
    for (int64_t caption = 0; caption < captions; ++caption) EXPECT_EQ(found.at({pair, caption}), repeat);
  }
  EXPECT_EQ(sampler.order(3).size(), static_cast<size_t>(total));
}

TEST(EpochSampler, RandomChoiceHasOneCaptionPerVisit) {
  const auto sampler = random_choice();
  EXPECT_EQ(sampler.size(), 25);
  std::map<int64_t, std::set<int64_t>> captions;
  std::map<int64_t, int64_t> visits;
  for (const auto& sample : sampler.order(0)) {
    captions[sample.pair].insert(sample.caption);
    ++visits[sample.pair];
  }
  const auto pairs = some_pairs();
  for (int64_t pair = 0; pair < 20; ++pair) {
    const auto& [available, repeat] = pairs[static_cast<size_t>(pair)];
    EXPECT_EQ(visits[pair], repeat);
    // Visits of one epoch see different captions while any are left.
    EXPECT_EQ(static_cast<int64_t>(captions[pair].size()), std::min(available, repeat));
    EXPECT_LT(*captions[pair].rbegin(), available);
  }
}

TEST(EpochSampler, EpochsAndSeedsDiffer) {
  for (const bool flat : {true, false}) {
    const auto sampler = flat ? flatten() : random_choice();
    const auto other = flat ? flatten(43) : random_choice(43);
    EXPECT_EQ(sampler.order(5), sampler.order(5));
    EXPECT_NE(sampler.order(5), sampler.order(6));
    EXPECT_NE(sampler.order(5), other.order(5));
  }
  EXPECT_NE(drawn(random_choice(), 0), drawn(random_choice(), 1));
  EXPECT_NE(drawn(random_choice(), 0), drawn(random_choice(43), 0));
}

TEST(EpochSampler, DrawnCaptionDependsOnItsPairAlone) {
  auto more = some_pairs();
  more.push_back({5, 1});
  const auto with_more = drawn(EpochSampler(more, CaptionMode::kRandomChoice, 42), 2);
  const auto without = drawn(random_choice(), 2);
  EXPECT_TRUE(std::equal(without.begin(), without.end(), with_more.begin()));
}

TEST(EpochSampler, EveryCaptionGetsItsTurn) {
  const EpochSampler sampler({{5, 1}}, CaptionMode::kRandomChoice, 42);
  std::vector<int> times(5);
  for (int64_t epoch = 0; epoch < 1000; ++epoch) {
    ++times[static_cast<size_t>(sampler.order(epoch).front().caption)];
  }
  // Five standard deviations of a binomial count.
  for (const int count : times) EXPECT_NEAR(count, 200, 64);
}

TEST(EpochSampler, RefusesPairsWithoutSamples) {
  const auto error = [](std::vector<PairVisits> pairs) {
    return error_of([&] { EpochSampler(std::move(pairs), CaptionMode::kFlatten, 1); });
  };
  EXPECT_EQ(error({}), "sampler: expected at least one pair, got none");
  EXPECT_EQ(error({{1, 1}, {0, 1}}),
            "sampler: pair 1: expected at least one caption and one visit, got 0 and 1");
}

/// Returns the samples that all ranks of a run see of one global batch, in rank order.
std::vector<SampleRange> dealt(BatchLayout layout, int64_t batch) {
  std::vector<SampleRange> all;
  for (layout.rank = 0; layout.rank < layout.ranks; ++layout.rank) {
    const BatchPlan plan(flatten(), layout);
    const auto own = plan.own(batch);
    const auto share = plan.share(batch);
    EXPECT_EQ(share.own, static_cast<int64_t>(own.size()));
    EXPECT_LE(share.own, share.most);
    EXPECT_GE(share.own, share.most - 1);
    all.insert(all.end(), own.begin(), own.end());
    if (layout.rank + 1 == layout.ranks) {
      EXPECT_EQ(share.total, static_cast<int64_t>(all.size()));
    }
  }
  return all;
}

TEST(BatchPlan, GlobalBatchesAndMicroBatchesDoNotDependOnRanks) {
  for (const auto last : {LastBatch::kDrop, LastBatch::kKeep}) {
    const BatchLayout alone{.global = 16, .micro = 3, .last = last};
    const BatchPlan plan(flatten(), alone);
    for (int64_t batch = 0; batch < plan.batches(); ++batch) {
      const auto expected = dealt(alone, batch);
      EXPECT_EQ(expected.front().first, plan.global(batch).first);
      EXPECT_EQ(expected.back().last, plan.global(batch).last);
      for (size_t i = 1; i < expected.size(); ++i) EXPECT_EQ(expected[i].first, expected[i - 1].last);
      for (const int64_t ranks : {2, 3, 4}) {
        auto layout = alone;
        layout.ranks = ranks;
        EXPECT_EQ(dealt(layout, batch), expected) << ranks << " ranks, batch " << batch;
      }
    }
  }
}

TEST(BatchPlan, LastBatchIsDroppedOrKept) {
  BatchLayout layout{.global = 16, .micro = 8, .ranks = 4};
  ASSERT_EQ(flatten().size(), 75);
  EXPECT_EQ(BatchPlan(flatten(), layout).batches(), 4);
  layout.last = LastBatch::kKeep;
  const BatchPlan first(flatten(), layout);
  EXPECT_EQ(first.batches(), 5);
  EXPECT_THAT(first.own(4), ElementsAre(SampleRange{64, 72}));
  layout.rank = 1;
  EXPECT_THAT(BatchPlan(flatten(), layout).own(4), ElementsAre(SampleRange{72, 75}));
  layout.rank = 3;
  const BatchPlan idle(flatten(), layout);
  EXPECT_TRUE(idle.own(4).empty());
  EXPECT_EQ(idle.share(4).own, 0);
  EXPECT_EQ(idle.share(4).most, 1);
  EXPECT_EQ(idle.share(4).total, 2);
}

TEST(BatchPlan, PositionsGoThroughEpochs) {
  const BatchPlan plan(flatten(), {.global = 30, .micro = 10});
  EXPECT_EQ(plan.after({0, 0}), (Position{0, 1}));
  EXPECT_EQ(plan.after({0, 1}), (Position{1, 0}));
  EXPECT_EQ(error_of([&] {
              static_cast<void>(plan.after({0, 2}));
            }),
            "position: expected an epoch of at least 0 and a batch from 0 to 1, got epoch 0, batch 2 "
            "(was it saved with another list or batch size?)");
  EXPECT_THAT(error_of([&] { plan.check({-1, 0}); }), HasSubstr("got epoch -1"));
}

TEST(BatchPlan, RefusesImpossibleLayouts) {
  const auto error = [](const BatchLayout& layout) {
    return error_of([&] { BatchPlan(flatten(), layout); });
  };
  EXPECT_EQ(error({.global = 0}), "batch layout: global batch: expected 1 or more, got 0");
  EXPECT_EQ(error({.micro = 0}), "batch layout: micro-batch: expected 1 or more, got 0");
  EXPECT_EQ(error({.ranks = 2, .rank = 2}), "batch layout: rank: expected 0 to 1, got 2");
  EXPECT_THAT(error({.global = 76}),
              HasSubstr("expected an epoch of at least one global batch (76 samples), got 75 samples"));
  EXPECT_EQ(error({.global = 76, .last = LastBatch::kKeep}), "no error");
}

}  // namespace
}  // namespace ccexpert::data

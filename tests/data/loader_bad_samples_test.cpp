#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/loader_fixture.h"
#include "support/errors.h"

namespace ccexpert::data {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Appends element `index` of `all`, whose elements have `length` values.
void add_part(std::vector<float>& items, const std::vector<float>& all, size_t index, size_t length) {
  const auto added = part(all, index, length);
  items.insert(items.end(), added.begin(), added.end());
}

/// Returns `batch` without the samples for which `leave_out(uid, ids)` is true.
template <class LeaveOut>
MicroBatch without(const MicroBatch& batch, LeaveOut&& leave_out) {
  MicroBatch rest;
  rest.position = batch.position;
  rest.index = batch.index;
  for (size_t i = 0; i < batch.uids.size(); ++i) {
    if (leave_out(batch.uids[i], batch.ids[i])) continue;
    rest.uids.push_back(batch.uids[i]);
    rest.ids.push_back(batch.ids[i]);
    rest.labels.push_back(batch.labels[i]);
    add_part(rest.pixels, batch.pixels, i, kPixels);
    add_part(rest.change_mask, batch.change_mask, i, kPatches);
    add_part(rest.classes, batch.classes, i, 2 * kPatches * kClasses);
  }
  return rest;
}

class LoaderBadSamples : public LoaderFixture {
 protected:
  /// Samples that a loader skips and reports after pairs of `fine` were damaged.
  struct Skipped {
    int64_t count = 0;
    std::vector<std::string> reports;
  };
  template <class LeaveOut>
  Skipped expect_left_out(LoaderOptions options, const std::vector<MicroBatch>& fine,
                          LeaveOut&& leave_out) const {
    Skipped skipped;
    options.on_skip = [&](const SkippedSample& sample) {
      skipped.reports.push_back(sample.uid + " " + sample.problem);
    };
    auto made = loader(options);
    for (const auto& batch : fine) {
      expect_same(made.next(), without(batch, leave_out));
    }
    skipped.count = made.skipped();
    return skipped;
  }
};

/// The pair whose first sample in an epoch comes last, and that sample.
std::pair<size_t, int64_t> latest_pair(const BatchPlan& plan) {
  const auto order = plan.sampler().order(0);
  std::set<int64_t> seen;
  std::pair<size_t, int64_t> latest;
  for (size_t at = 0; at < order.size(); ++at) {
    if (seen.insert(order[at].pair).second) {
      latest = {static_cast<size_t>(order[at].pair), static_cast<int64_t>(at)};
    }
  }
  return latest;
}

TEST_F(LoaderBadSamples, AnUnreadableFileNamesUidAndFileUntilSeek) {
  const auto fine = first(kEpoch, small());
  const auto [pair, at] = latest_pair(plan());
  const auto good = static_cast<size_t>(at / kLayout.global * 5 + at % kLayout.global / kLayout.micro);
  ASSERT_GT(good, 2U);
  const auto bad = damaged();
  pairs_[pair].after = bad;
  const auto expected = fmt::format("pair '{}': {}:", pairs_[pair].uid, bad.string());
  for (const int64_t workers : {0, 1, 5}) {
    auto made = loader(small(workers));
    for (int round = 0; round < 2; ++round) {
      // Samples before the bad one are returned, although threads met the bad one earlier.
      for (size_t i = 0; i < good; ++i) expect_same(made.next(), fine[i]);
      for (int times = 0; times < 3; ++times) {
        EXPECT_THAT(error_of([&] { made.next(); }), testing::StartsWith(expected));
      }
      made.seek({0, 0});
    }
    EXPECT_EQ(made.skipped(), 0);
  }
}

TEST_F(LoaderBadSamples, TheFirstOfSeveralBadSamplesIsNamed) {
  for (auto& pair : pairs_) pair.mask = damaged();
  const auto order = plan().sampler().order(0);
  const auto uid = pairs_[static_cast<size_t>(order[0].pair)].uid;
  for (const int64_t workers : {0, 5}) {
    auto made = loader(small(workers));
    EXPECT_THAT(error_of([&] { made.next(); }), HasSubstr("pair '" + uid + "'"));
  }
}

TEST_F(LoaderBadSamples, UnreadableFilesAreLeftOutCountedAndReportedOnce) {
  const auto fine = first(2 * kEpoch, small());
  const auto bad = damaged();
  pairs_[1].before = bad;  // two captions, two visits per epoch
  pairs_[4].mask = bad;    // two captions, one visit
  for (const int64_t workers : {0, 1, 5}) {
    const auto skipped = expect_left_out(
        skipping(workers), fine, [](const auto& uid, const auto&) { return uid == "p1" || uid == "p4"; });
    EXPECT_EQ(skipped.count, 2 * (2 * 2 + 2));
    EXPECT_THAT(skipped.reports, testing::UnorderedElementsAre(HasSubstr("p1 " + bad.string()),
                                                               HasSubstr("p4 " + bad.string())));
  }
}

TEST_F(LoaderBadSamples, SamplesOfTooManyTokensAreLeftOutOrErrors) {
  pairs_[5].captions[1] += " and so on, at some length";
  const auto fine = first(2 * kEpoch, small());
  size_t longest = 0, shorter = 0;
  for (const auto& batch : fine) {
    for (const auto& ids : batch.ids) longest = std::max(longest, ids.size());
  }
  for (const auto& batch : fine) {
    for (const auto& ids : batch.ids) shorter = std::max(shorter, ids.size() < longest ? ids.size() : 0);
  }
  for (const int64_t workers : {0, 5}) {
    auto options = skipping(workers);
    options.image_tokens = 11;
    options.max_tokens = static_cast<int64_t>(shorter) + 2 * 10;
    const auto skipped =
        expect_left_out(options, fine, [&](const auto&, const auto& ids) { return ids.size() == longest; });
    EXPECT_EQ(skipped.count, 2 * 2);
    EXPECT_THAT(skipped.reports, ElementsAre(fmt::format("p5 sample: expected at most {} tokens, got {}",
                                                         options.max_tokens, longest + 2 * 10)));
    options.bad_samples = BadSamples::kError;
    EXPECT_THAT(error_of([&] { first(kEpoch, options); }), HasSubstr("pair 'p5': sample: expected at most"));
  }
}

TEST_F(LoaderBadSamples, AMicroBatchMayLoseAllItsSamples) {
  for (auto& pair : pairs_) pair.before = damaged();
  auto made = loader(skipping(2));
  const auto batches = taken(made, kEpoch);
  for (const auto& batch : batches) {
    EXPECT_EQ(batch.size(), 0);
    EXPECT_TRUE(batch.pixels.empty() && batch.ids.empty() && batch.labels.empty());
    EXPECT_TRUE(batch.change_mask.empty() && batch.classes.empty());
  }
  EXPECT_EQ(batches.back().position, (Position{0, 2}));
  EXPECT_EQ(made.skipped(), 23);
}

TEST_F(LoaderBadSamples, WhatWasDroppedBySeekIsNotCounted) {
  for (auto& pair : pairs_) pair.before = damaged();
  auto made = loader(skipping(2));
  taken(made, 1);
  for (int i = 0; i < 10; ++i) made.seek({0, 0});
  EXPECT_EQ(made.skipped(), 2);
}

}  // namespace
}  // namespace ccexpert::data

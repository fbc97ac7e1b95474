// Loaders of generated pairs, and comparison of their micro-batches.
#pragma once

#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include "data/drawn_pairs.h"
#include "data/shared/loader.h"

namespace ccexpert::data {

inline constexpr int64_t kSide = 16;
inline constexpr size_t kPixels = 2 * 3 * kSide * kSide;
inline constexpr size_t kPatches = 4;
inline constexpr size_t kClasses = 2;

inline LoaderOptions small(int64_t workers = 0, int64_t prefetch = 3) {
  return {.preprocess = {.size = kSide},
          .mask_patch = 8,
          .classes = kClasses,
          .workers = workers,
          .prefetch = prefetch};
}

inline LoaderOptions skipping(int64_t workers = 0) {
  auto options = small(workers);
  options.bad_samples = BadSamples::kSkip;
  options.on_skip = [](const SkippedSample&) {};
  return options;
}

/// Expects equality in everything but wait_seconds.
inline void expect_same(const MicroBatch& actual, const MicroBatch& expected) {
  EXPECT_EQ(actual.position, expected.position);
  EXPECT_EQ(actual.index, expected.index);
  EXPECT_EQ(actual.uids, expected.uids);
  EXPECT_EQ(actual.ids, expected.ids);
  EXPECT_EQ(actual.labels, expected.labels);
  EXPECT_TRUE(actual.pixels == expected.pixels);
  EXPECT_TRUE(actual.change_mask == expected.change_mask);
  EXPECT_TRUE(actual.classes == expected.classes);
}

inline void expect_same(const std::vector<MicroBatch>& actual, const std::vector<MicroBatch>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    SCOPED_TRACE(fmt::format("micro-batch {}", i));
    expect_same(actual[i], expected[i]);
  }
}

inline std::vector<MicroBatch> taken(BatchLoader& loader, int64_t count) {
  std::vector<MicroBatch> batches;
  for (int64_t i = 0; i < count; ++i) batches.push_back(loader.next());
  return batches;
}

template <class Item>
std::vector<Item> part(const std::vector<Item>& items, size_t index, size_t length) {
  const auto first = items.begin() + static_cast<std::ptrdiff_t>(index * length);
  return {first, first + static_cast<std::ptrdiff_t>(length)};
}

/// 9 pairs with 23 samples per epoch: global batches of 9, 9 and 5, micro-batches of at most 2.
class LoaderFixture : public ::testing::Test {
 protected:
  static constexpr BatchLayout kLayout{.global = 9, .micro = 2, .last = LastBatch::kKeep};
  static constexpr int64_t kEpoch = 5 + 5 + 3;  // micro-batches

  BatchPlan plan(const BatchLayout& layout = kLayout) const {
    return {EpochSampler(visits_of(pairs_), CaptionMode::kFlatten, 42), layout};
  }
  BatchLoader loader(const LoaderOptions& options, const BatchLayout& layout = kLayout) const {
    return {pairs_, test::tiny_tokenizer(), plan(layout), options};
  }
  std::vector<MicroBatch> first(int64_t count, const LoaderOptions& options,
                                const BatchLayout& layout = kLayout) const {
    auto made = loader(options, layout);
    return taken(made, count);
  }
  std::filesystem::path damaged() const { return folder_.write("damaged.png", "no image"); }

  const test::TemporaryFolder folder_;
  std::vector<ChangeExample> pairs_ = test::draw_pairs(folder_, 9);
};

}  // namespace ccexpert::data

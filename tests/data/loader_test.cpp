#include <chrono>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/loader_fixture.h"
#include "support/errors.h"

namespace ccexpert::data {
namespace {

using test::error_of;
using test::tiny_tokenizer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Loader : public LoaderFixture {};

/// Expects sample `i` of a micro-batch to equal the results of the plan, the text room and the image room.
void expect_sample(const MicroBatch& batch, size_t i, const ChangeExample& pair, int64_t caption) {
  const image::PreprocessConfig config{.size = kSide};
  EXPECT_EQ(batch.uids[i], pair.uid);
  const auto text = text::encode_training_example(
      tiny_tokenizer(), {text::kReferenceQuestion, pair.captions[static_cast<size_t>(caption)]},
      text::LabelStyle::kReference, {});
  EXPECT_EQ(batch.ids[i], text.ids);
  EXPECT_EQ(batch.labels[i], text.labels);
  std::vector<float> planes(kPixels / 2);
  image::preprocess(image::decode_image(pair.before).view(), config, planes);
  EXPECT_TRUE(part(batch.pixels, 2 * i, kPixels / 2) == planes);
  image::preprocess(image::decode_image(pair.after).view(), config, planes);
  EXPECT_TRUE(part(batch.pixels, 2 * i + 1, kPixels / 2) == planes);
  EXPECT_EQ(batch.change_mask[i * kPatches] < 0, pair.mask.empty());
  EXPECT_EQ(batch.classes[(2 * i + 1) * kPatches * kClasses] < 0, pair.classes_after.empty());
}

TEST_F(Loader, GivesWhatThePlanSays) {
  const auto plan = this->plan();
  ASSERT_EQ(plan.sampler().size(), 23);
  auto made = loader(small());
  for (Position position; position.epoch < 2; position = plan.after(position)) {
    const auto order = plan.sampler().order(position.epoch);
    int64_t index = 0;
    for (const auto& [begin, end] : plan.own(position.batch)) {
      const auto batch = made.next();
      EXPECT_EQ(batch.position, position);
      EXPECT_EQ(batch.index, index++);
      ASSERT_EQ(batch.size(), end - begin);
      EXPECT_EQ(batch.pixels.size(), batch.uids.size() * kPixels);
      EXPECT_EQ(batch.change_mask.size(), batch.uids.size() * kPatches);
      EXPECT_EQ(batch.classes.size(), batch.uids.size() * 2 * kPatches * kClasses);
      for (int64_t at = begin; at < end; ++at) {
        const auto [pair, caption] = order[static_cast<size_t>(at)];
        expect_sample(batch, static_cast<size_t>(at - begin), pairs_[static_cast<size_t>(pair)], caption);
      }
    }
  }
}

TEST_F(Loader, IsTheSameWhateverWorkersAndPrefetch) {
  const auto expected = first(3 * kEpoch, small());
  for (const int64_t workers : {0, 1, 2, 5}) {
    for (const int64_t prefetch : {1, 2, 4, 25}) {
      SCOPED_TRACE(fmt::format("{} workers, {} micro-batches ahead", workers, prefetch));
      expect_same(first(3 * kEpoch, small(workers, prefetch)), expected);
    }
  }
}

TEST_F(Loader, FlagsThatContradictTheirMasksAreCounted) {
  const auto empty = test::draw(folder_, "empty.png", test::rectangle(16, 16, 0, 0, 0, 0)),
             some = test::draw(folder_, "some.png", test::rectangle(16, 16, 0, 3, 0, 3));
  const std::pair<std::optional<bool>, std::filesystem::path> cases[] = {
      {true, empty}, {false, some},  // the contradictions
      {true, some},  {false, empty}, {std::nullopt, some}, {std::nullopt, empty},
      {true, ""},    {false, ""},    {std::nullopt, ""}};
  for (size_t i = 0; i < pairs_.size(); ++i) std::tie(pairs_[i].changed, pairs_[i].mask) = cases[i];
  for (const int64_t workers : {0, 2}) {
    auto made = loader(small(workers));
    EXPECT_EQ(made.contradictions(), 0);
    int64_t expected = 0;
    for (const auto& batch : taken(made, kEpoch)) {
      expected += std::count(batch.uids.begin(), batch.uids.end(), "p0") +
                  std::count(batch.uids.begin(), batch.uids.end(), "p1");
    }
    EXPECT_GT(expected, 1);
    EXPECT_EQ(made.contradictions(), expected);
  }
  auto without_masks = small();
  without_masks.mask_patch = without_masks.classes = 0;
  auto made = loader(without_masks);
  taken(made, kEpoch);
  EXPECT_EQ(made.contradictions(), 0);
}

TEST_F(Loader, IsTheSameWithACache) {
  const auto expected = first(3 * kEpoch, small());
  for (const int64_t bytes : {1, 5000, 1 << 20}) {
    for (const int64_t workers : {0, 5}) {
      auto options = small(workers);
      options.cache_bytes = bytes;
      SCOPED_TRACE(fmt::format("{} bytes, {} workers", bytes, workers));
      expect_same(first(3 * kEpoch, options), expected);
    }
  }
}

TEST_F(Loader, RanksTogetherSeeWhatOneSees) {
  auto expected = first(2 * kEpoch, small());
  for (const int64_t ranks : {2, 3, 4}) {
    std::vector<std::vector<MicroBatch>> of_batch(6);  // global batches of two epochs
    auto layout = kLayout;
    layout.ranks = ranks;
    for (layout.rank = 0; layout.rank < ranks; ++layout.rank) {
      auto made = loader(small(2), layout);
      for (auto batch = made.next(); batch.position.epoch < 2; batch = made.next()) {
        of_batch[static_cast<size_t>(3 * batch.position.epoch + batch.position.batch)].push_back(batch);
      }
    }
    std::vector<MicroBatch> together;
    for (const auto& batches : of_batch) together.insert(together.end(), batches.begin(), batches.end());
    // Each rank counts its own micro-batches.
    for (auto& batch : together) batch.index = 0;
    for (auto& batch : expected) batch.index = 0;
    SCOPED_TRACE(fmt::format("{} ranks", ranks));
    expect_same(together, expected);
  }
}

TEST_F(Loader, GlobalBatchesWithoutAMicroBatchForThisRankArePassedOver) {
  auto layout = kLayout;
  layout.ranks = 4;
  layout.rank = 3;  // the last global batch of an epoch has three micro-batches
  for (const int64_t workers : {0, 2}) {
    auto made = loader(small(workers), layout);
    std::vector<Position> seen;
    for (const auto& batch : taken(made, 4)) seen.push_back(batch.position);
    EXPECT_THAT(seen, ElementsAre(Position{0, 0}, Position{0, 1}, Position{1, 0}, Position{1, 1}));
    made.seek({0, 2});
    EXPECT_EQ(made.next().position, (Position{1, 0}));
  }
}

TEST_F(Loader, ARankThatNeverHasAMicroBatchIsAnError) {
  for (const int64_t workers : {0, 2}) {
    auto made = loader(small(workers), {.global = 10, .micro = 5, .ranks = 3, .rank = 2});
    EXPECT_EQ(error_of([&] { made.next(); }),
              "loader: expected a micro-batch for this rank, got global batches of fewer micro-batches than "
              "ranks");
  }
}

TEST_F(Loader, SeekGoesOnExactly) {
  const auto expected = first(3 * kEpoch, small());
  for (const int64_t workers : {0, 1, 5}) {
    for (const int64_t prefetch : {1, 8}) {
      auto made = loader(small(workers, prefetch));
      // Micro-batches 0, 5 and 10 of an epoch start its global batches: forward, back, the same, next epoch.
      for (const auto& [position, at] : std::initializer_list<std::pair<Position, size_t>>{
               {{0, 1}, 5}, {{0, 0}, 0}, {{0, 0}, 0}, {{1, 2}, 23}, {{0, 2}, 10}, {{2, 0}, 26}}) {
        SCOPED_TRACE(fmt::format("{} workers, prefetch {}, micro-batch {}", workers, prefetch, at));
        made.seek(position);
        expect_same(taken(made, 6), {expected.begin() + static_cast<std::ptrdiff_t>(at),
                                     expected.begin() + static_cast<std::ptrdiff_t>(at + 6)});
      }
    }
  }
}

TEST_F(Loader, ANewLoaderGoesOnWhereAnotherStood) {
  auto stopped = loader(small(2));
  taken(stopped, 5 + 5);  // two global batches
  auto resumed = loader(small(2));
  resumed.seek({0, 2});
  expect_same(taken(resumed, kEpoch), taken(stopped, kEpoch));
}

TEST_F(Loader, SeekToNowhereIsAnErrorAndChangesNothing) {
  const auto expected = first(3, small());
  auto made = loader(small(2));
  expect_same(made.next(), expected[0]);
  EXPECT_THAT(error_of([&] { made.seek({0, 3}); }), HasSubstr("got epoch 0, batch 3"));
  EXPECT_THAT(error_of([&] { made.seek({-1, 0}); }), HasSubstr("got epoch -1"));
  expect_same(made.next(), expected[1]);
}

TEST_F(Loader, OptionsReachTheEncoder) {
  auto options = small();
  options.labels = text::LabelStyle::kCaptionOnly;
  options.question = "What changed?";
  options.prompt.chat.system_text = "Look.";
  options.mask_patch = options.classes = 0;
  const auto batch = first(1, options).front();
  const auto [pair, caption] = plan().sampler().order(0).front();
  const auto& text = pairs_[static_cast<size_t>(pair)].captions[static_cast<size_t>(caption)];
  const auto expected = text::encode_training_example(tiny_tokenizer(), {options.question, text},
                                                      options.labels, options.prompt);
  EXPECT_EQ(batch.ids[0], expected.ids);
  EXPECT_EQ(batch.labels[0], expected.labels);
  EXPECT_TRUE(batch.change_mask.empty());
  options.prefetch = 0;
  EXPECT_THAT(error_of([&] { loader(options); }), HasSubstr("loader: prefetch"));
}

TEST_F(Loader, APlanOfOtherPairsIsRefused) {
  auto others = pairs_;
  others[1].repeat = 7;
  EXPECT_EQ(error_of([&] { BatchLoader(others, tiny_tokenizer(), plan(), small()); }),
            "loader: expected a plan of these pairs, got one of other pairs");
}

TEST_F(Loader, MayBeMoved) {
  const auto expected = first(4, small());
  auto made = loader(small(2));
  expect_same(made.next(), expected[0]);
  BatchLoader moved = std::move(made);
  expect_same(moved.next(), expected[1]);
  moved = loader(small(5));
  expect_same(taken(moved, 4), expected);
}

/// Number of threads of this process, if the system provides it.
int64_t threads() {
  const std::filesystem::path folder = "/proc/self/task";
  if (!std::filesystem::exists(folder)) return 0;
  return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

TEST_F(Loader, WithoutWorkersNextDoesItAll) {
  auto options = skipping();
  std::set<std::thread::id> reported_by;
  options.on_skip = [&](const SkippedSample&) { reported_by.insert(std::this_thread::get_id()); };
  pairs_[3].before = damaged();
  const int64_t before = threads();
  auto made = loader(options);
  taken(made, kEpoch);
  EXPECT_EQ(threads(), before);
  EXPECT_THAT(reported_by, ElementsAre(std::this_thread::get_id()));
}

TEST_F(Loader, IsDestroyedWhateverItsWorkersDo) {
  for (const int64_t workers : {1, 2, 5}) {
    for (int64_t taken_first = 0; taken_first < 15; ++taken_first) {
      auto made = loader(small(workers, 1 + taken_first % 4));
      taken(made, taken_first);
      if (taken_first % 3 == 0) made.seek({5, 1});
    }
  }
  pairs_[2].before = damaged();
  for (int64_t workers = 0; workers < 5; ++workers) {
    auto made = loader(small(workers, 8));
    EXPECT_THAT(error_of([&] { taken(made, kEpoch); }), HasSubstr("pair 'p2'"));
  }
}

TEST_F(Loader, DestructionWaitsForNoMoreThanTheSamplesInWork) {
  // Images so large that preparing all micro-batches ahead would take minutes.
  const auto large = test::draw(folder_, "large.png", test::noise(1200, 1200, 3));
  for (auto& pair : pairs_) pair.before = pair.after = large;
  const auto start = std::chrono::steady_clock::now();
  {
    auto made = loader(small(2, 2000));
    made.next();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace ccexpert::data

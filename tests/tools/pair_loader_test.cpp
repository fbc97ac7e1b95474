#include "caption/pair_loader.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "support/temporary_folder.h"
#include "tools/fake_model.h"

namespace ccexpert::tools {
namespace {

size_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

/// Calls `work` and returns the maximum number of additional threads during the call.
template <class Work>
size_t most_threads_during(Work&& work) {
  const size_t before = threads_of_this_process();
  std::atomic<bool> over = false;
  size_t most = 0;
  std::thread watch([&] {
    while (!over) most = std::max(most, threads_of_this_process());
  });
  work();
  over = true;
  watch.join();
  return std::max(most, before + 1) - before - 1;
}

class PairLoaderTest : public ::testing::Test {
 protected:
  explicit PairLoaderTest(int count = 60) {
    for (int i = 0; i < count; ++i) {
      const auto name = folder_ / fmt::format("{}.png", i);
      test::write_image(name, static_cast<uint8_t>(i), 200, 200);
      pairs_.push_back({std::to_string(i), name, name});
    }
  }

  test::TemporaryFolder folder_;
  std::vector<data::PairFiles> pairs_;
};

TEST_F(PairLoaderTest, GivesOutPairsInOrder) {
  PairLoader loader(pairs_, {.batch_size = 25, .threads = 3});
  size_t next = 0;
  for (auto batch = loader.next(); !batch.files.empty(); batch = loader.next()) {
    ASSERT_EQ(batch.images.size(), batch.files.size());
    for (size_t i = 0; i < batch.files.size(); ++i, ++next) {
      EXPECT_EQ(batch.files[i].uid, std::to_string(next));
      EXPECT_EQ(batch.images[i].after.pixels.front(), next);
    }
  }
  EXPECT_EQ(next, pairs_.size());
}

TEST_F(PairLoaderTest, StartsNoMoreThreadsThanAsked) {
  const auto load_all = [&](int threads) {
    PairLoader loader(pairs_, {.batch_size = 60, .threads = threads});
    EXPECT_EQ(loader.next().images.size(), 60U);
  };
  EXPECT_LE(most_threads_during([&] { load_all(2); }), 2U);
  EXPECT_LE(most_threads_during([&] { load_all(0); }), 8U);
  EXPECT_LE(most_threads_during([&] { load_all(4096); }), 8U);
}

TEST_F(PairLoaderTest, MayBeLeftBeforeTheEnd) {
  { const PairLoader unused(pairs_, {.batch_size = 60, .threads = 1}); }
  PairLoader loader(pairs_, {.batch_size = 20, .threads = 1});
  EXPECT_EQ(loader.next().images.size(), 20U);
}

}  // namespace
}  // namespace ccexpert::tools

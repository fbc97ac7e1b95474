// Conversion of a hundred thousand entries.
#include <chrono>
#include <fstream>

#include <sys/resource.h>

#include "datasets/sources/conversion_fixture.h"
#include "support/address_sanitizer.h"

namespace ccexpert::datasets {
namespace {

class Stress : public Conversion {
 protected:
  /// Writes LEVIR-CC's list with the requested number of entries, each with five sentences.
  void write_list(int64_t count) const {
    fs::create_directories(folder_ / "in");
    std::ofstream list(folder_ / "in/LevirCCcaptions.json");
    list << "{\"images\": [\n";
    for (int64_t i = 0; i < count; ++i) {
      list << fmt::format(
          R"({}{{"filepath": "train", "filename": "train_{:06}.png", "changeflag": {}, "split": "train", "sentences": [)",
          i == 0 ? "" : ",\n", i, i % 2);
      for (int64_t sentence = 0; sentence < 5; ++sentence) {
        list << fmt::format(
            R"({}{{"tokens": ["a", "road", "is", "built"], "raw": " a road of number {} is built in the middle of the scene .", "sentid": {}}})",
            sentence == 0 ? "" : ", ", 5 * i + sentence, sentence);
      }
      list << "]}";
    }
    list << "]}";
  }
  static int64_t peak_kilobytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  }
};

// AddressSanitizer keeps freed memory, so peak memory is not meaningful there.
constexpr bool kFreedMemoryReturns = !test::kHasAddressSanitizer;

TEST_F(Stress, HundredThousandEntriesStream) {
  constexpr int64_t kCount = 100'000;
  write_list(kCount);
  auto trusting = options();
  trusting.check_images = false;
  const auto before = peak_kilobytes();
  const auto start = std::chrono::steady_clock::now();
  const auto summary = convert(trusting);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto grown = peak_kilobytes() - before;
  EXPECT_EQ(summary.splits.at("train"), (SplitCounts{kCount, 5 * kCount, kCount / 2, kCount / 2}));
  RecordProperty("entries_per_second", static_cast<int>(static_cast<double>(kCount) / seconds));
  RecordProperty("kilobytes", static_cast<int>(grown));
  // The list has 70 MB; a reader of whole files needs several times that.
  if (kFreedMemoryReturns) {
    EXPECT_LT(grown, 40'000);
  }
  EXPECT_GT(fs::file_size(folder_ / "out/train.json"), 40'000'000);
}

}  // namespace
}  // namespace ccexpert::datasets

#include "synth/shared/dataset.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/image/decode.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::synth {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

DatasetOptions small(int64_t pairs, int64_t jobs = 1) {
  DatasetOptions options;
  options.pairs = pairs;
  options.size = 128;
  options.jobs = jobs;
  return options;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = bytes_of(entry.path());
  }
  return files;
}

std::vector<data::ChangeExample> all_examples(const fs::path& folder) {
  std::vector<data::ChangeExample> all;
  for (const char* name : {"train.json", "val.json", "test.json"}) {
    for (auto& example : data::read_change_dataset(folder / name)) all.push_back(std::move(example));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.uid < b.uid; });
  return all;
}

TEST(Dataset, IsReadBackAsItWasMade) {
  const test::TemporaryFolder folder;
  const auto summary = write_dataset(folder.path() / "set", small(12));
  EXPECT_EQ(summary.written, 12);
  EXPECT_FALSE(summary.interrupted);
  const auto examples = all_examples(folder.path() / "set");
  ASSERT_EQ(examples.size(), 12U);
  for (size_t i = 0; i < examples.size(); ++i) {
    const auto pair = generate_pair({.seed = 42, .size = 128}, static_cast<int64_t>(i));
    EXPECT_EQ(examples[i].captions, pair.text.captions);
    EXPECT_EQ(examples[i].changed, pair.text.changed);
    EXPECT_EQ(image::decode_image(examples[i].before).pixels, pair.before.pixels);
    EXPECT_EQ(image::decode_image(examples[i].after).pixels, pair.after.pixels);
    const auto mask = image::decode_image(examples[i].mask);
    const auto classes = image::decode_image(examples[i].classes_after);
    for (size_t at = 0; at < pair.mask.size(); ++at) {
      ASSERT_EQ(mask.pixels[3 * at], pair.mask[at]);
      ASSERT_EQ(classes.pixels[3 * at], pair.classes_after[at]);
    }
  }
}

TEST(Dataset, IsTheSameForAnyNumberOfThreads) {
  const test::TemporaryFolder folder;
  write_dataset(folder.path() / "one", small(8, 1));
  write_dataset(folder.path() / "four", small(8, 4));
  EXPECT_EQ(files_of(folder.path() / "one"), files_of(folder.path() / "four"));
}

TEST(Dataset, HasTheSamePairsWhenItIsLarger) {
  const test::TemporaryFolder folder;
  write_dataset(folder.path() / "few", small(4));
  write_dataset(folder.path() / "more", small(7));
  const auto more = files_of(folder.path() / "more");
  for (const auto& [name, bytes] : files_of(folder.path() / "few")) {
    if (name.ends_with(".png")) {
      EXPECT_EQ(more.at(name), bytes) << name;
    }
  }
}

TEST(Dataset, GrowsToTheSameAsMadeAtOnce) {
  const test::TemporaryFolder folder;
  write_dataset(folder.path() / "grown", small(4));
  const auto summary = write_dataset(folder.path() / "grown", small(7));
  EXPECT_EQ(summary.found, 4);
  EXPECT_EQ(summary.written, 3);
  write_dataset(folder.path() / "once", small(7));
  EXPECT_EQ(files_of(folder.path() / "grown"), files_of(folder.path() / "once"));
}

TEST(Dataset, GoesOnWithWhatAnInterruptedRunLeft) {
  const test::TemporaryFolder folder;
  const auto set = folder.path() / "set";
  write_dataset(set, small(6));
  const auto whole = files_of(set);
  fs::remove(set / "train.json");
  fs::remove(set / "masks/000002.png");
  fs::remove(set / "images/B/000004.png");
  std::ofstream(set / "images/B/000004.png.part") << "half of it";
  const auto summary = write_dataset(set, small(6));
  EXPECT_EQ(summary.found, 4);
  EXPECT_EQ(summary.written, 2);
  EXPECT_EQ(files_of(set), whole);
}

TEST(Dataset, StopsWhenAskedAndThenGoesOn) {
  const test::TemporaryFolder folder;
  const auto set = folder.path() / "set";
  std::stop_source source;
  int64_t there = 0;
  const auto summary = write_dataset(
      set, small(6),
      [&](int64_t count) {
        there += count;
        if (there == 2) source.request_stop();
      },
      source.get_token());
  EXPECT_TRUE(summary.interrupted);
  EXPECT_EQ(summary.written, 2);
  EXPECT_FALSE(fs::exists(set / "train.json"));
  EXPECT_EQ(write_dataset(set, small(6)).found, 2);
  EXPECT_EQ(all_examples(set).size(), 6U);
}

TEST(Dataset, SplitsByShares) {
  const test::TemporaryFolder folder;
  auto options = small(10);
  options.train_share = 0;
  options.val_share = 0;
  options.test_share = 1;
  write_dataset(folder.path() / "set", options);
  EXPECT_EQ(bytes_of(folder.path() / "set/train.json"), "[]\n");
  EXPECT_EQ(data::read_change_dataset(folder.path() / "set/test.json").size(), 10U);
}

TEST(Dataset, LeavesPairsInTheirListWhenItGrows) {
  const test::TemporaryFolder folder;
  const auto set = folder.path() / "set";
  write_dataset(set, small(16));
  const auto before = data::read_change_dataset(set / "train.json");
  EXPECT_GT(before.size(), 8U);
  EXPECT_LT(before.size(), 16U);
  write_dataset(set, small(20));
  const auto after = data::read_change_dataset(set / "train.json");
  ASSERT_GE(after.size(), before.size());
  EXPECT_TRUE(std::equal(before.begin(), before.end(), after.begin()));
}

TEST(Dataset, WritesJpegWhereAsked) {
  const test::TemporaryFolder folder;
  auto options = small(1);
  options.format = ImageEncoding::kJpeg;
  write_dataset(folder.path() / "set", options);
  EXPECT_EQ(image::decode_image(folder.path() / "set/images/A/000000.jpg").width, 128);
  EXPECT_TRUE(fs::exists(folder.path() / "set/masks/000000.png"));
}

TEST(Dataset, SaysHowItWasMade) {
  const test::TemporaryFolder folder;
  write_dataset(folder.path() / "set", small(1));
  const auto made = nlohmann::json::parse(bytes_of(folder.path() / "set/dataset.json"));
  EXPECT_EQ(made["made_by"], "ccexpert-data synth");
  EXPECT_EQ(made["seed"], 42);
  EXPECT_EQ(made["classes"]["5"], "building");
}

TEST(Dataset, RefusesAFolderWithOtherThings) {
  const test::TemporaryFolder folder;
  folder.write("set/notes.txt", "mine");
  const auto set = (folder.path() / "set").string();
  EXPECT_EQ(
      test::error_of([&] { write_dataset(set, small(1)); }),
      set + ": expected a new or empty folder, or one that ccexpert-data synth began, got something else");
  EXPECT_EQ(files_of(set).size(), 1U);
}

TEST(Dataset, RefusesOtherOptionsAndFewerPairs) {
  const test::TemporaryFolder folder;
  const auto set = folder.path() / "set";
  write_dataset(set, small(2));
  auto other = small(2);
  other.seed = 7;
  EXPECT_THAT(test::error_of([&] { write_dataset(set, other); }),
              StartsWith((set / "dataset.json").string() + ": seed: expected 7, got 42"));
  EXPECT_THAT(test::error_of([&] { write_dataset(set, small(1)); }),
              HasSubstr("pairs: expected at most 1, got 2"));
}

TEST(Dataset, RefusesADescriptionThatIsNone) {
  const test::TemporaryFolder folder;
  folder.write("set/dataset.json", "[1, 2]");
  EXPECT_THAT(test::error_of([&] { write_dataset(folder.path() / "set", small(1)); }),
              HasSubstr("made_by: expected"));
}

TEST(Dataset, ThrowsOnWhatAThreadCannotWrite) {
  const test::TemporaryFolder folder;
  const auto set = folder.path() / "set";
  fs::create_directories(set);
  write_dataset(set, small(1));
  // A folder in place of a file cannot be replaced.
  fs::remove(set / "masks/000000.png");
  fs::create_directories(set / "masks/000000.png/in");
  EXPECT_THAT(test::error_of([&] { write_dataset(set, small(1)); }),
              HasSubstr("masks/000000.png: cannot be written"));
}

TEST(Options, AreChecked) {
  const auto refusal = [](auto change) {
    DatasetOptions options;
    change(options);
    return test::error_of([&] { options.validate(); });
  };
  EXPECT_EQ(refusal([](auto& o) { o.pairs = 0; }), "pairs: expected 1 to 10000000, got 0");
  EXPECT_EQ(refusal([](auto& o) { o.pairs = 1'000'000'000; }),
            "pairs: expected 1 to 10000000, got 1000000000");
  EXPECT_EQ(refusal([](auto& o) { o.size = 4000; }), "size: expected 128 to 1024 pixels, got 4000");
  EXPECT_THAT(refusal([](auto& o) { o.val_share = 0.5; }),
              HasSubstr("expected shares of 0 or more that add up to 1"));
  EXPECT_EQ(refusal([](auto& o) { o.train_share = -0.1; }), "train_share: expected 0 to 1, got -0.1");
  EXPECT_EQ(refusal([](auto& o) { o.jobs = -1; }), "jobs: expected 0 to 1024 threads, got -1");
}

}  // namespace
}  // namespace ccexpert::synth

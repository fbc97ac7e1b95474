// Fixture for miniatures of data sets in their true layouts, converted and read as in training.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/data/pairs.h>

#include "data/drawn_pairs.h"
#include "data/shared/loader.h"
#include "datasets/shared/convert.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::datasets {

namespace fs = std::filesystem;
using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Conversion : public ::testing::Test {
 protected:
  /// Writes a file of the source.
  void file(const std::string& name, std::string_view text) const { folder_.write("in/" + name, text); }

  /// Writes an image of the source, noise by default.
  void image(const std::string& name, const image::Image& pixels) const {
    fs::create_directories((folder_ / "in" / name).parent_path());
    image::write_png(folder_ / "in" / name, pixels.view());
  }
  void image(const std::string& name) const {
    image(name, test::noise(16, 16, std::hash<std::string>()(name)));
  }
  void images(std::initializer_list<const char*> names) const {
    for (const auto* name : names) image(name);
  }

  ConvertOptions options(const std::string& source = "auto") const {
    return {.source = source, .input = folder_ / "in", .output = folder_ / "out", .jobs = 1};
  }
  ConvertSummary converted(const std::string& source = "auto") const { return convert(options(source)); }

  std::vector<data::ChangeExample> pairs(const std::string& split) const {
    return data::read_change_dataset(folder_ / "out" / (split + ".json"));
  }
  bool is_written(const std::string& name) const { return fs::exists(folder_ / "out" / name); }

  /// Returns the names in the output folder.
  std::vector<std::string> written() const {
    std::vector<std::string> names;
    for (const auto& each : fs::directory_iterator(folder_ / "out"))
      names.push_back(each.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  /// Returns the content of an output file.
  std::string content(const std::string& name) const { return test::content(folder_ / "out" / name); }
  ConvertOptions replacing() const {
    auto replace = options();
    replace.overwrite = true;
    return replace;
  }

  /// Expects every caption of the split to become a sample of one epoch, with its images and masks.
  void expect_trains(const std::string& split) const {
    const auto examples = pairs(split);
    int64_t captions = 0;
    for (const auto& pair : examples) captions += static_cast<int64_t>(pair.captions.size());
    const data::BatchPlan plan(data::EpochSampler(data::visits_of(examples), data::CaptionMode::kFlatten, 42),
                               {.global = captions, .micro = captions, .last = data::LastBatch::kKeep});
    data::BatchLoader loader(examples, test::tiny_tokenizer(), plan,
                             {.preprocess = {.size = 16}, .mask_patch = 8, .workers = 0});
    EXPECT_EQ(loader.next().size(), captions);
  }

  fs::path in(const std::string& name) const { return (folder_ / "in" / name).lexically_normal(); }

  const test::TemporaryFolder folder_;
};

/// Returns LEVIR-CC's list with one entry per split.
inline std::string levir_list() {
  const auto entry = [](const char* split, const char* name, int flag, const char* first) {
    return fmt::format(
        R"({{"filepath": "{0}", "filename": "{1}", "imgid": 0, "changeflag": {2}, "split": "{0}", "sentids": [0, 1],
            "sentences": [{{"tokens": ["a"], "raw": "{3}", "imgid": 0, "sentid": 0}},
                          {{"tokens": ["b"], "raw": " it is as before .", "imgid": 0, "sentid": 1}}]}})",
        split, name, flag, first);
  };
  return fmt::format(R"({{"dataset": "LEVIR", "images": [{}, {}, {}]}})",
                     entry("train", "train_000016.png", 1, " a road  is built ."),
                     entry("val", "val_000003.png", 0, " there is no difference ."),
                     entry("test", "test_000009.png", 1, " a house appears ."));
}

}  // namespace ccexpert::datasets

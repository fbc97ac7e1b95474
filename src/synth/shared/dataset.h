/// Folders of synthetic pairs in the universal format, which every reader accepts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <tuple>

#include <ccexpert/core/fields.h>

#include "synth/shared/pair.h"

namespace ccexpert::synth {

enum class ImageEncoding {
  kPng,
  kJpeg,  ///< at quality 95
};
constexpr auto names_of(ImageEncoding) {
  return std::to_array<Name<ImageEncoding>>({{ImageEncoding::kPng, "png"}, {ImageEncoding::kJpeg, "jpg"}});
}

struct DatasetOptions {
  int64_t pairs = 1000;
  uint64_t seed = 42;
  int64_t size = 256;
  double train_share = 0.8;
  double val_share = 0.1;
  double test_share = 0.1;
  ImageEncoding format = ImageEncoding::kPng;
  int64_t jobs = 0;

  static constexpr auto fields() {
    using Self = DatasetOptions;
    return std::tuple{
        field("pairs", &Self::pairs, "number of pairs, half of them changed", in_range(1, 10'000'000)),
        field("seed", &Self::seed, "seed; pair i depends only on it and on i"),
        field("size", &Self::size, "side of the images", in_range(kSmallestSize, kLargestSize, "pixels")),
        field("train_share", &Self::train_share, "share of the pairs in train.json", in_range(0, 1)),
        field("val_share", &Self::val_share, "share of the pairs in val.json", in_range(0, 1)),
        field("test_share", &Self::test_share, "share of the pairs in test.json", in_range(0, 1)),
        field("format", &Self::format, "format of the images; jpg: at quality 95"),
        field("jobs", &Self::jobs, "0: one for each core", kThreads)};
  }

  /// Throws Error naming the option that is out of range.
  void validate() const;
};

struct DatasetSummary {
  int64_t written = 0;
  int64_t found = 0;         ///< pairs that an earlier run wrote
  bool interrupted = false;  ///< a stop was requested; the same call continues from there
};

/// Writes `folder`:
///
///   images/{A,B}/NNNNNN.png    before and after (or .jpg)
///   masks/NNNNNN.png           255 where something changed, else 0; grey
///   classes/{A,B}/NNNNNN.png   LandClass of every pixel; grey
///   {train,val,test}.json      the universal format, paths relative to the folder; written last
///   dataset.json               the options, the table of classes, how it was made; written first
///
/// Every file is written completely or not at all. A folder begun with these options is continued, also with
/// more pairs than before. `done` is called with numbers of finished pairs, one call at a time. Throws Error
/// for a folder with other content, for options that differ from the folder's, and for files that cannot be
/// written.
DatasetSummary write_dataset(const std::filesystem::path& folder, const DatasetOptions& options,
                             const std::function<void(int64_t)>& done = {}, std::stop_token stop = {});

}  // namespace ccexpert::synth

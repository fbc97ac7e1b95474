/// Folders of made-up pairs that every reader of the universal format takes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <tuple>

#include <ccexpert/core/fields.h>
#include <ccexpert/synth/pair.h>

namespace ccexpert::synth {

struct DatasetOptions {
  int64_t pairs = 1000;
  uint64_t seed = 42;
  int64_t size = 256;
  double train_share = 0.8;
  double val_share = 0.1;
  double test_share = 0.1;
  std::string format = "png";
  int64_t jobs = 0;

  static constexpr auto fields() {
    using Self = DatasetOptions;
    return std::tuple{field("pairs", &Self::pairs, "number of pairs, half of them changed"),
                      field("seed", &Self::seed, "pair i depends on seed and i alone"),
                      field("size", &Self::size, "side of the images in pixels, of 128 to 1024"),
                      field("train_share", &Self::train_share, "share of the pairs that train.json lists"),
                      field("val_share", &Self::val_share, "share of the pairs that val.json lists"),
                      field("test_share", &Self::test_share, "share of the pairs that test.json lists"),
                      field("format", &Self::format, "files of the images: png, or jpg at quality 95"),
                      field("jobs", &Self::jobs, "threads (0: one a core)")};
  }

  /// Throws Error naming the option that is out of range.
  void validate() const;
};

struct DatasetSummary {
  int64_t written = 0;
  int64_t found = 0;         ///< pairs that an earlier run had written
  bool interrupted = false;  ///< stop was requested; the same call goes on from there
};

/// Writes `folder`:
///
///   images/{A,B}/NNNNNN.png    before and after (or .jpg)
///   masks/NNNNNN.png           255 where something changed, else 0; grey
///   classes/{A,B}/NNNNNN.png   LandClass of every pixel; grey
///   {train,val,test}.json      the universal format, paths relative to the folder; written last
///   dataset.json               the options, the table of classes, how it was made; written first
///
/// Every file appears whole or not at all. A folder that these options began is gone on with, also with more
/// pairs than before. `done` is called with numbers of pairs that are there, one call at a time. Throws Error
/// for a folder with anything else in it, other options than those it was begun with, and files that cannot
/// be written.
DatasetSummary write_dataset(const std::filesystem::path& folder, const DatasetOptions& options,
                             const std::function<void(int64_t)>& done = {}, std::stop_token stop = {});

}  // namespace ccexpert::synth

/// Entries of a data list, and the pairs and captions that they select.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ccexpert/core/fields.h>

#include "data/shared/selection.h"

namespace ccexpert::data {

/// Most visits of a pair per epoch: each is a number in memory.
inline constexpr int64_t kMaxRepeat = 1'000'000;

struct ListedDataset {
  std::string json_path;
  std::vector<std::string> splits;
  Selection sampling_strategy;
  Selection captions;
  int64_t repeat = 1;
  std::string image_root;

  static constexpr auto fields() {
    return std::tuple{
        field("json_path", &ListedDataset::json_path, "file of the universal format"),
        field("splits", &ListedDataset::splits, "values of {split} in json_path, one file each"),
        field("sampling_strategy", &ListedDataset::sampling_strategy, "pairs taken from each file"),
        field("captions", &ListedDataset::captions, "captions kept of each pair"),
        field("repeat", &ListedDataset::repeat, "visits of each pair per epoch (1: no up-sampling)",
              in_range(1, kMaxRepeat)),
        field("image_root", &ListedDataset::image_root, "folder that relative image paths start at")};
  }
};

/// Returns the entries, checked as read_data_list does, one for each file: `splits` are substituted into
/// json_path. Opens only the list itself.
std::vector<ListedDataset> read_listed_datasets(const std::filesystem::path& list);

/// Returns ascending indices of the pairs that the entry at `place` of its list selects from a file with
/// `pairs` pairs.
std::vector<size_t> chosen_pairs(const ListedDataset& dataset, size_t place, size_t pairs, uint64_t seed);

/// Place of a pair: the file's index in its list and the pair's index in the file.
struct PairPlace {
  size_t file = 0;
  size_t pair = 0;
};

/// Returns ascending indices of the captions that an entry keeps of a pair with `captions` captions.
std::vector<size_t> kept_captions(const ListedDataset& dataset, const PairPlace& place, size_t captions,
                                  uint64_t seed);

}  // namespace ccexpert::data

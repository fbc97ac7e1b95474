// The entries of a data list, and which pairs and captions of their files they take.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ccexpert/core/fields.h>

namespace ccexpert::data {

struct ListedDataset {
  std::string json_path;
  std::vector<std::string> splits;
  std::string sampling_strategy = "all";
  std::string captions = "all";
  int64_t repeat = 1;
  std::string image_root;

  static constexpr auto fields() {
    return std::tuple{
        field("json_path", &ListedDataset::json_path, "file of the universal format"),
        field("splits", &ListedDataset::splits, "what {split} in json_path stands for, a file for each"),
        field("sampling_strategy", &ListedDataset::sampling_strategy, "all, first:N, end:N or random:N"),
        field("captions", &ListedDataset::captions,
              "captions kept of each pair: all, first:N, end:N or random:N"),
        field("repeat", &ListedDataset::repeat, "visits an epoch of each pair (1: no up-sampling)"),
        field("image_root", &ListedDataset::image_root, "where relative image paths start")};
  }
};

/// The entries, checked as read_data_list does, one for each file: `splits` are put into json_path. No file
/// is opened.
std::vector<ListedDataset> read_listed_datasets(const std::filesystem::path& list);

/// Ascending numbers of the pairs that the entry at `place` of its list takes of a file with `pairs`.
std::vector<size_t> chosen_pairs(const ListedDataset& dataset, size_t place, size_t pairs, uint64_t seed);

/// A pair of a file: the file's place in its list, and the pair's number in the file.
struct PairPlace {
  size_t file = 0;
  size_t pair = 0;
};

/// Ascending numbers of the captions that an entry keeps of a pair with `captions`.
std::vector<size_t> kept_captions(const ListedDataset& dataset, const PairPlace& place, size_t captions,
                                  uint64_t seed);

}  // namespace ccexpert::data

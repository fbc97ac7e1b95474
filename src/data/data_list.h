// The entries of a data list, and which pairs of their files they take.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ccexpert/core/fields.h>

namespace ccexpert::data {

struct ListedDataset {
  std::string json_path;
  std::string sampling_strategy = "all";
  int64_t repeat = 1;
  std::string image_root;

  static constexpr auto fields() {
    return std::tuple{
        field("json_path", &ListedDataset::json_path, "file of the universal format"),
        field("sampling_strategy", &ListedDataset::sampling_strategy, "all, first:N, end:N or random:N"),
        field("repeat", &ListedDataset::repeat, "visits an epoch of each pair (1: no up-sampling)"),
        field("image_root", &ListedDataset::image_root, "where relative image paths start")};
  }
};

/// The entries as they stand, checked as read_data_list does; no file is opened.
std::vector<ListedDataset> read_listed_datasets(const std::filesystem::path& list);

/// Ascending numbers of the pairs that the entry at `place` of its list takes of a file with `pairs`.
std::vector<size_t> chosen_pairs(const ListedDataset& dataset, size_t place, size_t pairs, uint64_t seed);

}  // namespace ccexpert::data

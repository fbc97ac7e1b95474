#include "data/shared/data_list.h"

#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/data/change_dataset.h>

#include "core/counter_random.h"
#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/text_file.h"
#include "core/yaml.h"

namespace ccexpert::data {
namespace {

namespace fs = std::filesystem;

struct DataList {
  std::vector<ListedDataset> datasets;

  static constexpr auto fields() {
    return std::tuple{field("datasets", &DataList::datasets, "data sets of the mix")};
  }
};

constexpr std::string_view kSplit = "{split}";

/// Returns one entry for each of its files.
std::vector<ListedDataset> files_of(const ListedDataset& entry) {
  if (entry.splits.empty()) return {entry};
  std::vector<ListedDataset> files;
  for (const auto& split : entry.splits) {
    auto& file = files.emplace_back(entry);
    file.splits.clear();
    file.json_path.replace(file.json_path.find(kSplit), kSplit.size(), split);
  }
  return files;
}

void keep_captions(const ListedDataset& entry, const PairPlace& place, uint64_t seed,
                   std::vector<std::string>& captions) {
  std::vector<std::string> kept;
  for (const size_t number : kept_captions(entry, place, captions.size(), seed))
    kept.push_back(std::move(captions[number]));
  captions = std::move(kept);
}

/// Parsed data list, with its YAML places for error messages.
class DataListReader {
 public:
  explicit DataListReader(const fs::path& path) : folder_(folder_of_list(path)), file_(read_yaml_file(path)) {
    DataList list;
    read_yaml(file_.root, list, file_.source);
    if (list.datasets.empty()) fail_expected({place_of("datasets"), "at least one entry", "none"});
    for (size_t i = 0; i < list.datasets.size(); ++i) {
      check(list.datasets[i], i);
      for (auto& file : files_of(list.datasets[i])) {
        datasets_.push_back(std::move(file));
        entries_.push_back(i);
      }
    }
  }

  /// Number of files.
  size_t size() const { return datasets_.size(); }
  const std::vector<ListedDataset>& datasets() const { return datasets_; }

  /// Appends the pairs selected from file `i`.
  void append(size_t i, const fs::path& image_root, uint64_t seed, std::vector<ChangeExample>& examples) {
    const auto& entry = datasets_[i];
    const fs::path root = entry.image_root.empty() ? image_root : folder_ / entry.image_root;
    const auto file = folder_ / entry.json_path;
    if (!is_there(file))
      fail_expected({place_of(entries_[i], "json_path"), "a file of pairs with captions",
                     file.string() + ", which does not exist"});
    auto pairs = read_change_dataset(file, root);
    for (const size_t number : chosen_pairs(entry, i, pairs.size(), seed)) {
      auto& example = examples.emplace_back(std::move(pairs[number]));
      example.repeat = entry.repeat;
      keep_captions(entry, {i, number}, seed, example.captions);
    }
  }

 private:
  std::string place_of(const std::string& key) { return yaml_place(file_.root[key], file_.source, key); }

  std::string place_of(size_t i, const std::string& key) {
    const auto entry = file_.root["datasets"][i];
    const auto name = fmt::format("datasets[{}].{}", i, key);
    return yaml_place(entry[key].IsDefined() ? entry[key] : entry, file_.source, name);
  }

  void check(const ListedDataset& entry, size_t i) {
    if (entry.json_path.empty())
      fail_expected({place_of(i, "json_path"), "a file of pairs with captions", "none"});
    check_splits(entry, i);
  }

  void check_splits(const ListedDataset& entry, size_t i) {
    const bool has_split = entry.json_path.find(kSplit) != std::string::npos;
    if (has_split && entry.splits.empty())
      fail_expected({place_of(i, "splits"), "the values of {split} in json_path", "none"});
    if (!has_split && !entry.splits.empty())
      fail_expected({place_of(i, "json_path"), "a path with {split}, because splits are given",
                     fmt::format("'{}'", entry.json_path)});
    const std::set<std::string> different(entry.splits.begin(), entry.splits.end());
    if (different.size() != entry.splits.size())
      fail_expected(
          {place_of(i, "splits"), "each split once", fmt::format("{}", fmt::join(entry.splits, ", "))});
  }

  fs::path folder_;
  YamlDocument file_;
  std::vector<ListedDataset> datasets_;
  std::vector<size_t> entries_;  ///< index of the source entry of each of `datasets_`
};

}  // namespace

std::vector<ListedDataset> read_listed_datasets(const fs::path& list) try {
  return DataListReader(list).datasets();
} catch (...) {
  rethrow_as_error();
}

std::vector<size_t> chosen_pairs(const ListedDataset& dataset, size_t place, size_t pairs, uint64_t seed) {
  return dataset.sampling_strategy.chosen(pairs, CounterRandom(RandomUse::kDataList, seed, place));
}

std::vector<size_t> kept_captions(const ListedDataset& dataset, const PairPlace& place, size_t captions,
                                  uint64_t seed) {
  const auto key = (static_cast<uint64_t>(place.file) << 32) + place.pair;
  return dataset.captions.chosen(captions, CounterRandom(RandomUse::kKeptCaption, seed, key));
}

std::vector<ChangeExample> read_data_list(const fs::path& list, const fs::path& image_root,
                                          uint64_t seed) try {
  DataListReader reader(list);
  std::vector<ChangeExample> examples;
  for (size_t i = 0; i < reader.size(); ++i) reader.append(i, image_root, seed, examples);
  return examples;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::data

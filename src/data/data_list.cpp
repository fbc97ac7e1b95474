#include <algorithm>
#include <charconv>
#include <numeric>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/data/data_list.h>

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

enum class Part { kAll, kFirst, kEnd, kRandom };

/// Selection of pairs of a file, or of captions of a pair.
struct Strategy {
  Part part = Part::kAll;
  int64_t number = 0;  ///< count, or per cent
  bool percent = false;

  size_t count(size_t pairs) const {
    const auto all = static_cast<int64_t>(pairs);
    return static_cast<size_t>(std::min(all, percent ? (all * number + 99) / 100 : number));
  }
};

/// Parses a positive integer; returns 0 for other text.
int64_t whole_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() && end == text.data() + text.size() ? std::max<int64_t>(0, number) : 0;
}

Strategy parse_strategy(std::string_view text, const std::string& place) {
  Strategy strategy;
  if (text == "all") return strategy;
  const auto colon = std::min(text.find(':'), text.size());
  const auto name = text.substr(0, colon);
  auto number = text.substr(std::min(colon + 1, text.size()));
  strategy.part = name == "first"    ? Part::kFirst
                  : name == "end"    ? Part::kEnd
                  : name == "random" ? Part::kRandom
                                     : Part::kAll;
  strategy.percent = number.ends_with('%');
  if (strategy.percent) number.remove_suffix(1);
  strategy.number = whole_number(number);
  const bool valid = strategy.part != Part::kAll && strategy.number > 0;
  if (!valid || (strategy.percent && strategy.number > 100)) {
    fail_expected({place, "all, first:N, end:N or random:N, N a count of at least 1 or 1% to 100%",
                   fmt::format("'{}'", text)});
  }
  return strategy;
}

/// Returns ascending indices of the selected pairs or captions.
std::vector<size_t> chosen(const Strategy& strategy, size_t pairs, const CounterRandom& random) {
  std::vector<size_t> numbers(pairs);
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  if (strategy.part == Part::kAll) return numbers;
  if (strategy.part == Part::kRandom) shuffle(numbers, random);
  const size_t count = strategy.count(pairs);
  if (strategy.part == Part::kEnd) {
    numbers.erase(numbers.begin(), numbers.end() - static_cast<std::ptrdiff_t>(count));
  }
  numbers.resize(count);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

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
    if (entry.repeat < 1 || entry.repeat > kMaxRepeat)
      fail_expected(
          {place_of(i, "repeat"), fmt::format("1 to {}", kMaxRepeat), std::to_string(entry.repeat)});
    parse_strategy(entry.sampling_strategy, place_of(i, "sampling_strategy"));
    parse_strategy(entry.captions, place_of(i, "captions"));
    check_splits(entry, i);
  }

  void check_splits(const ListedDataset& entry, size_t i) {
    const bool stands = entry.json_path.find(kSplit) != std::string::npos;
    if (stands && entry.splits.empty())
      fail_expected({place_of(i, "splits"), "the values of {split} in json_path", "none"});
    if (!stands && !entry.splits.empty())
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
  const auto strategy = parse_strategy(dataset.sampling_strategy, "sampling_strategy");
  return chosen(strategy, pairs, CounterRandom(RandomUse::kDataList, seed, place));
}

std::vector<size_t> kept_captions(const ListedDataset& dataset, const PairPlace& place, size_t captions,
                                  uint64_t seed) {
  const auto strategy = parse_strategy(dataset.captions, "captions");
  const auto key = (static_cast<uint64_t>(place.file) << 32) + place.pair;
  return chosen(strategy, captions, CounterRandom(RandomUse::kKeptCaption, seed, key));
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

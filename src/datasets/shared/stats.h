/// Statistics of a list of pairs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <ccexpert/core/fields.h>
#include <ccexpert/data/change_dataset.h>

namespace ccexpert::datasets {

struct StatsOptions {
  std::filesystem::path image_root = {};
  bool images = true;  ///< reads image sizes from the files
  int64_t samples = 12;
  uint64_t seed = 42;
  int64_t jobs = 0;

  static constexpr auto fields() {
    using Self = StatsOptions;
    return std::tuple{field("samples", &Self::samples, "pairs shown on the page", at_least(0)),
                      field("seed", &Self::seed, "seed for the choice of samples"),
                      field("jobs", &Self::jobs, "threads that open images (0: one per core)", kThreads)};
  }

  /// Throws Error with the name of a field that is out of range.
  void validate() const;
};

struct Stats {
  int64_t pairs = 0;
  int64_t visits = 0;  ///< pairs times their repeats
  int64_t captions = 0;
  int64_t changed = 0;
  int64_t unchanged = 0;  ///< the other pairs have no flag
  int64_t masks = 0;
  int64_t words = 0;
  int64_t different_captions = 0;
  std::map<int64_t, int64_t> captions_per_pair;             ///< number of captions to pairs
  std::map<int64_t, int64_t> lengths;                       ///< number of words to captions
  std::vector<std::pair<std::string, int64_t>> vocabulary;  ///< words by frequency, highest first
  std::map<std::string, int64_t> sizes;                     ///< "WIDTH x HEIGHT" of images before to pairs
  int64_t unreadable = 0;                                   ///< images before whose header cannot be read
  std::vector<data::ChangeExample> samples;
};

/// Counts a list or a data list. Words are separated by blanks, in lower case, without punctuation at their
/// ends. Throws Error if it cannot be read.
Stats count_stats(const std::filesystem::path& list, const StatsOptions& options = {});

std::string stats_table(const Stats& stats);
std::string stats_json(const Stats& stats);

/// Returns a self-contained HTML page with plots and samples. `title` is its heading.
std::string stats_html(const Stats& stats, const std::string& title);

}  // namespace ccexpert::datasets

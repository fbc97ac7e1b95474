/// Merging, splitting and sampling of lists in the universal format.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/fields.h>

#include "datasets/shared/convert.h"

namespace ccexpert::datasets {

/// Options for reading and writing lists. Lists are JSON arrays or JSON Lines; the output's file name selects
/// the format (.jsonl: lines). Unknown keys of entries are kept.
struct ListOptions {
  std::filesystem::path image_root = {};  ///< folder that relative paths start at (empty: each list's folder)
  PathStyle paths = PathStyle::kRelative;
  bool overwrite = false;

  static constexpr auto fields() {
    return std::tuple{field("overwrite", &ListOptions::overwrite, "replace existing files")};
  }
};

struct MergeSummary {
  int64_t pairs = 0;
  int64_t captions = 0;
  int64_t merged = 0;   ///< repeated entries of pairs; their new captions went to the first entry
  int64_t renamed = 0;  ///< uids already used for other images; prefixed with their list's name
};

/// Writes all pairs of several lists into one. Throws Error if a list cannot be read, or if entries of one
/// pair have different change_flags.
MergeSummary merge_lists(const std::vector<std::filesystem::path>& lists, const std::filesystem::path& output,
                         const ListOptions& options = {});

struct SplitOptions {
  std::array<double, 3> shares{0.8, 0.1, 0.1};  ///< shares of train, val and test
  uint64_t seed = 42;
  /// Perl regular expression; pairs whose uids have the same first match group stay together, as tiles of one
  /// scene must. The default groups the windows of one pair.
  std::string group = "^(.*?)(?:_w[0-9]+)?$";
  ListOptions lists = {};

  static constexpr auto fields() {
    return std::tuple{field("seed", &SplitOptions::seed, "seed for the draws")};
  }
};

/// Writes train.json, val.json and test.json into a folder (only splits with pairs), with the list's ratio of
/// changed to unchanged pairs in each, in the list's order. Returns the numbers of pairs. Throws Error.
std::array<int64_t, 3> split_list(const std::filesystem::path& list, const std::filesystem::path& folder,
                                  const SplitOptions& options = {});

struct SampleOptions {
  int64_t count = 0;
  double share = 0.1;
  uint64_t seed = 42;
  ListOptions lists = {};

  static constexpr auto fields() {
    using Self = SampleOptions;
    return std::tuple{field("pairs", &Self::count, "number of pairs (0: --share decides)", at_least(0)),
                      field("share", &Self::share, "share of the pairs, rounded up", in_range(open(0), 1)),
                      field("seed", &Self::seed, "seed for the draws")};
  }
};

/// Writes a random sample of a list that keeps its ratio of changed to unchanged pairs, in the list's order.
/// Returns the number of pairs. Throws Error.
int64_t sample_list(const std::filesystem::path& list, const std::filesystem::path& output,
                    const SampleOptions& options = {});

/// Writes the pairs of a list whose uids are not in `uids`, in the list's order. Returns their number. Throws
/// Error, also if no pairs remain.
int64_t leave_out(const std::filesystem::path& list, const std::filesystem::path& output,
                  const std::set<std::string>& uids, const ListOptions& options = {});

}  // namespace ccexpert::datasets

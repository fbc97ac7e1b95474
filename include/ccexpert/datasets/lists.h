/// Lists of the universal format put together, divided, and drawn from.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <ccexpert/datasets/convert.h>

namespace ccexpert::datasets {

/// How lists are read and written. Lists are JSON arrays or JSON Lines; a written file's name decides which
/// it becomes (.jsonl: lines). Unknown keys of entries go along.
struct ListOptions {
  std::filesystem::path image_root = {};  ///< where relative paths start (empty: at each list's folder)
  PathStyle paths = PathStyle::kRelative;
  bool overwrite = false;  ///< replaces files that are there already
};

struct MergeSummary {
  int64_t pairs = 0;
  int64_t captions = 0;
  int64_t merged = 0;   ///< entries of pairs that were there already; their new captions went to the first
  int64_t renamed = 0;  ///< uids that stood for other images before; they got their list's name
};

/// Writes all pairs of some lists into one. Throws Error where a list cannot be read, or where entries of one
/// pair have different change_flags.
MergeSummary merge_lists(const std::vector<std::filesystem::path>& lists, const std::filesystem::path& output,
                         const ListOptions& options = {});

struct SplitOptions {
  std::array<double, 3> shares{0.8, 0.1, 0.1};  ///< of train, val and test
  uint64_t seed = 42;
  /// Pairs whose uids have the same first group of this regular expression (Perl's) stay together, as tiles
  /// of one scene must. By default these are the windows of one pair.
  std::string group = "^(.*?)(?:_w[0-9]+)?$";
  ListOptions lists = {};
};

/// Writes train.json, val.json and test.json into a folder (those with pairs), changed and unchanged pairs in
/// equal shares, in the list's order. Returns the numbers of pairs. Throws Error.
std::array<int64_t, 3> split_list(const std::filesystem::path& list, const std::filesystem::path& folder,
                                  const SplitOptions& options = {});

struct SampleOptions {
  int64_t count = 0;   ///< pairs (0: share decides)
  double share = 0.1;  ///< of the list's pairs, rounded up
  uint64_t seed = 42;
  ListOptions lists = {};
};

/// Writes some pairs of a list, changed and unchanged in their shares, in the list's order. Returns their
/// number. Throws Error.
int64_t sample_list(const std::filesystem::path& list, const std::filesystem::path& output,
                    const SampleOptions& options = {});

/// Writes the pairs of a list whose uids are not among `uids`, in the list's order. Returns their number.
/// Throws Error, also where none are left.
int64_t leave_out(const std::filesystem::path& list, const std::filesystem::path& output,
                  const std::set<std::string>& uids, const ListOptions& options = {});

}  // namespace ccexpert::datasets

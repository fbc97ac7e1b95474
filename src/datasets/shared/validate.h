/// Checks of lists of pairs before training and scoring.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/fields.h>

namespace ccexpert::datasets {

/// Accepted differences of two 128-bit hashes of near duplicates.
inline constexpr Limits kHashDistance = in_range(0, 64, "bits");

struct ValidateOptions {
  std::filesystem::path image_root = {};
  /// Lists whose pairs must not occur in the other lists. Default: lists with a word "test" or "val" in their
  /// name, such as test.json and RSCC_test.jsonl.
  std::vector<std::filesystem::path> held_out = {};
  bool images = true;  ///< decodes every image, mask and class map
  bool leaks = true;   ///< searches for held-out pairs in the other lists
  int64_t distance = 12;
  int64_t jobs = 0;

  static constexpr auto fields() {
    using Self = ValidateOptions;
    return std::tuple{field("distance", &Self::distance,
                            "maximum differing bits of 128 between near duplicates", kHashDistance),
                      field("jobs", &Self::jobs, "threads that open images (0: one per core)", kThreads)};
  }

  /// Throws Error with the name of a field that is out of range.
  void validate() const;
};

struct Problem {
  std::string kind;   ///< entry, repeated, image, size, same, flag, mask, leak-name, leak-image
  std::string where;  ///< file and entry
  std::string text;
};

struct ValidateSummary {
  int64_t pairs = 0;
  int64_t images = 0;                                        ///< decoded files
  std::map<std::string, int64_t> kinds;                      ///< problems by kind
  std::vector<std::filesystem::path> held_out = {};          ///< lists held out, if leaks were searched for
  std::vector<std::filesystem::path> without_captions = {};  ///< lists not captioned yet
  bool interrupted = false;
};

/// Checks every pair and calls `report` for every problem, one at a time, in the lists' order:
///   entry       a key is missing or has the wrong type, or only this pair lacks captions
///   repeated    a pair occurs twice, or a uid names other images
///   image       a file cannot be decoded
///   size        before, after, mask and class maps have different sizes
///   same        before and after are the same image, but the pair is flagged as changed
///   flag        change_flag is 1 but no caption reports a change, or 0 but half or more report one
///   mask        the mask marks pixels but change_flag is 0, or marks none but the flag is 1; without a flag,
///               the majority of captions counts
///   leak-name   a held-out uid, or its image, is in another list
///   leak-image  a pair looks like a held-out one
/// Throws Error if a list cannot be read at all.
ValidateSummary validate(const std::vector<std::filesystem::path>& lists, const ValidateOptions& options,
                         const std::function<void(const Problem&)>& report,
                         const std::function<void(int64_t)>& done = {}, std::stop_token stop = {});

struct OverlapOptions {
  std::filesystem::path image_root = {};
  std::filesystem::path against_root = {};  ///< image_root of the other list
  int64_t distance = 12;
  int64_t tile = 0;
  int64_t jobs = 0;

  static constexpr auto fields() {
    using Self = OverlapOptions;
    return std::tuple{
        field("distance", &Self::distance, "maximum differing bits of 128 between near duplicates",
              kHashDistance),
        field("tile", &Self::tile, "side of the tiles of larger images (0: side of the test images)",
              in_range(0, kUnlimited, "pixels")),
        field("jobs", &Self::jobs, "threads that open images (0: one per core)", kThreads)};
  }

  /// Throws Error with the name of a field that is out of range.
  void validate() const;
};

/// Pair, or tile of a pair, that looks like a pair of the other list.
struct Overlap {
  std::string uid = {};
  std::string other_uid = {};
  std::string part = {};      ///< before, after, or both
  int64_t distance = 0;       ///< differing bits of the hashes, the larger value of both images
  int64_t top = 0, left = 0;  ///< place of the tile
};

struct OverlapReport {
  int64_t pairs = 0;
  int64_t other_pairs = 0;
  int64_t unreadable = 0;                         ///< pairs of both lists
  std::vector<std::string> unreadable_uids = {};  ///< those of the list itself; they are not compared
  std::vector<Overlap> overlaps = {};
  bool interrupted = false;
};

/// Finds pairs of a list that show the same as pairs of `against`. Images are compared by a 128-bit hash of
/// their brightness, and by 16 x 16 pixels of brightness if the hashes are near. Throws Error if a list
/// cannot be read.
OverlapReport find_overlaps(const std::filesystem::path& list, const std::filesystem::path& against,
                            const OverlapOptions& options, const std::function<void(int64_t)>& done = {},
                            std::stop_token stop = {});

std::string overlap_json(const OverlapReport& report);

}  // namespace ccexpert::datasets

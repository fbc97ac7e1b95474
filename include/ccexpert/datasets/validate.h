/// Whether lists of pairs are what training and scoring take them for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace ccexpert::datasets {

struct ValidateOptions {
  std::filesystem::path image_root = {};
  /// Lists that nothing of the others may be in. Where none is given: those with a word "test" or "val" in
  /// their name, as test.json and RSCC_test.jsonl.
  std::vector<std::filesystem::path> held_out = {};
  bool images = true;     ///< decode every image, mask and class map
  bool leaks = true;      ///< look for held-out pairs in the other lists
  int64_t distance = 12;  ///< most of 128 bits in which two hashes of near duplicates differ
  int64_t jobs = 0;       ///< threads (0: one a core)
};

struct Problem {
  std::string kind;   ///< entry, repeated, image, size, same, flag, mask, leak-name, leak-image
  std::string where;  ///< file and entry
  std::string text;
};

struct ValidateSummary {
  int64_t pairs = 0;
  int64_t images = 0;                                        ///< files that were decoded
  std::map<std::string, int64_t> kinds;                      ///< problems by kind
  std::vector<std::filesystem::path> held_out = {};          ///< lists that were, where leaks were looked for
  std::vector<std::filesystem::path> without_captions = {};  ///< lists that are to be captioned yet
  bool interrupted = false;
};

/// Looks at every pair and calls `report` for every problem, one at a time, in the lists' order:
///
///   entry       a key is missing or of another type, or captions where other pairs of the list have them
///   repeated    a pair stands twice, or a uid stands for other images
///   image       a file cannot be decoded
///   size        before, after, mask and class maps are of different sizes
///   same        before and after are one image, and the pair is called changed
///   flag        change_flag is 1 and all captions say of no change, or 0 and half of them or more say of one
///   mask        the mask marks pixels and change_flag is 0, or it marks none and that is 1; without a flag,
///               most captions decide
///   leak-name   a held-out uid, or its image, is in another list
///   leak-image  a pair looks like a held-out one
///
/// Throws Error where a list cannot be read at all.
ValidateSummary validate(const std::vector<std::filesystem::path>& lists, const ValidateOptions& options,
                         const std::function<void(const Problem&)>& report,
                         const std::function<void(int64_t)>& done = {}, std::stop_token stop = {});

struct OverlapOptions {
  std::filesystem::path image_root = {};
  std::filesystem::path against_root = {};  ///< image_root of the other list
  int64_t distance = 12;  ///< most of 128 bits in which two hashes of near duplicates differ
  int64_t tile =
      0;  ///< side of the tiles that larger images are cut into (0: that of the other list's images)
  int64_t jobs = 0;
};

/// A pair, or a tile of it, that looks like one of the other list.
struct Overlap {
  std::string uid = {};
  std::string other_uid = {};
  std::string part = {};      ///< before, after, or both
  int64_t distance = 0;       ///< bits of the hashes that differ, the larger of both images
  int64_t top = 0, left = 0;  ///< of the tile
};

struct OverlapReport {
  int64_t pairs = 0;
  int64_t other_pairs = 0;
  int64_t unreadable = 0;                         ///< pairs of both lists
  std::vector<std::string> unreadable_uids = {};  ///< those of the list itself: nobody knows what they show
  std::vector<Overlap> overlaps = {};
  bool interrupted = false;
};

/// Which pairs of a list show what pairs of `against` show. Images of a pair are compared by a hash of 128
/// bits of their brightness, and by 16 x 16 pixels of it where that is near. Throws Error where a list cannot
/// be read.
OverlapReport find_overlaps(const std::filesystem::path& list, const std::filesystem::path& against,
                            const OverlapOptions& options, const std::function<void(int64_t)>& done = {},
                            std::stop_token stop = {});

std::string overlap_json(const OverlapReport& report);

}  // namespace ccexpert::datasets

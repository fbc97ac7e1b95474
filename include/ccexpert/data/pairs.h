/// Lists of image pairs: files, order and names.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ccexpert::data {

/// Two images of one place at two dates.
struct PairFiles {
  std::string uid;               ///< unique within its list; names the pair in results
  std::filesystem::path before;  ///< earlier image
  std::filesystem::path after;   ///< later image

  bool operator==(const PairFiles&) const = default;
};

/// Reads a list of pairs. The format is recognised by content, not by file name:
///   JSON Lines    one object per line: {"uid", "before", "after"}
///   JSON          an array of such objects
///   CSV           a header line with the columns before, after and, optionally, uid
/// The universal format's keys img1_path and img2_path mean before and after; other keys are ignored. An
/// entry without uid takes its before path as written in the list. Relative paths start at `image_root`, or
/// at the list's folder if that is empty. Repeated entries are dropped. Throws Error with the file and the
/// line (or the entry) if a value is missing or has the wrong type, or if one uid names different files.
std::vector<PairFiles> read_pair_list(const std::filesystem::path& list,
                                      const std::filesystem::path& image_root = {});

struct PairedFolders {                           ///< Pairs of two folders, by equal names
  std::vector<PairFiles> pairs;                  ///< sorted by file name, which is the uid
  std::vector<std::filesystem::path> unmatched;  ///< images of one folder that the other lacks
};

/// Pairs the images of two folders by file name; skips hidden files (such as macOS's "._1.png"). Throws Error
/// if a folder cannot be read or no images pair.
PairedFolders pair_folders(const std::filesystem::path& before, const std::filesystem::path& after);

}  // namespace ccexpert::data

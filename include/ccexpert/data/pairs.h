/// Lists of image pairs: which files, in which order, under which name.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ccexpert::data {

/// One place at two dates.
struct PairFiles {
  std::string uid;  ///< unique within its list; what results are filed under
  std::filesystem::path before;
  std::filesystem::path after;

  bool operator==(const PairFiles&) const = default;
};

/// Reads a list of pairs. Recognised by content, not by name:
///
///   JSON Lines    one object a line: {"uid", "before", "after"}
///   JSON          an array of such objects
///   CSV           a header line with the columns before, after and, where wanted, uid
///
/// The universal format's keys img1_path and img2_path mean before and after; other keys are ignored. An
/// entry without uid is filed under its before path as the list has it. Relative paths start at `image_root`,
/// or at the list's folder where that is empty. An entry that repeats an earlier one is dropped. Throws Error
/// naming the file and the line (or the entry) where something is missing, is of another type, or one uid
/// stands for different files.
std::vector<PairFiles> read_pair_list(const std::filesystem::path& list,
                                      const std::filesystem::path& image_root = {});

struct PairedFolders {
  std::vector<PairFiles> pairs;                  ///< sorted by file name, which is the uid
  std::vector<std::filesystem::path> unmatched;  ///< images of one folder that the other has not
};

/// Pairs the images of two folders by file name; hidden files, as a Mac's "._1.png", are passed over. Throws
/// Error where a folder cannot be read or nothing pairs.
PairedFolders pair_folders(const std::filesystem::path& before, const std::filesystem::path& after);

}  // namespace ccexpert::data

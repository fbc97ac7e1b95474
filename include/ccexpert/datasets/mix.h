/// A recipe of data sets and what of it is on disk, to a data list that ccexpert-train reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ccexpert::datasets {

struct MixOptions {
  std::filesystem::path root = {};  ///< where the recipe's json_path start (empty: at the recipe's folder)
  bool skip_missing = false;  ///< leaves out what is not there; else that is an Error that lists all of it
  bool overwrite = false;     ///< replaces an output that is there already
  std::vector<std::string> repeats = {};  ///< "NAME=N": visits an epoch of what has NAME in its json_path
};

/// One data set of a mix.
struct MixPart {
  std::string json_path = {};  ///< as the recipe has it, for one of its splits
  bool missing = false;
  int64_t pairs = 0;     ///< that the recipe's strategy takes
  int64_t captions = 0;  ///< of these pairs that the recipe keeps
  int64_t repeat = 1;
};

/// Reads a recipe, which is a data list (see read_data_list), looks which of its files are below `root`, and
/// writes a data list of those with paths from its own folder. Throws Error naming the file, the line and the
/// key; nothing is written then.
std::vector<MixPart> mix(const std::filesystem::path& recipe, const std::filesystem::path& output,
                         const MixOptions& options);

}  // namespace ccexpert::datasets

/// Conversion of a recipe of data sets to a data list of the files on disk, for ccexpert-train.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/fields.h>

namespace ccexpert::datasets {

struct MixOptions {
  std::filesystem::path root = {};  ///< folder that the recipe's json_path start at (empty: its own folder)
  bool skip_missing = false;        ///< otherwise missing files are an Error that lists them
  bool overwrite = false;
  std::vector<std::string> repeats = {};  ///< "NAME=N": visits per epoch if json_path contains NAME

  static constexpr auto fields() {
    return std::tuple{field("skip_missing", &MixOptions::skip_missing, "leave out missing sets"),
                      field("overwrite", &MixOptions::overwrite, "replace an existing file")};
  }
};

/// Data set of a mix.
struct MixPart {
  std::string json_path = {};  ///< as in the recipe, for one of its splits
  bool missing = false;
  int64_t pairs = 0;     ///< pairs selected by the recipe's strategy
  int64_t captions = 0;  ///< captions of these pairs kept by the recipe
  int64_t repeat = 1;
};

/// Reads a recipe in the form of a data list (see read_data_list), finds its files below `root`, and writes a
/// data list of them with paths relative to its own folder. Throws Error with the file, the line and the key,
/// and then writes nothing.
std::vector<MixPart> mix(const std::filesystem::path& recipe, const std::filesystem::path& output,
                         const MixOptions& options);

}  // namespace ccexpert::datasets

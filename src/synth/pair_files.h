// Files of one pair.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "synth/shared/dataset.h"

namespace ccexpert::synth {

/// Paths relative to the folder.
struct PairPaths {
  std::string name;  ///< NNNNNN
  std::filesystem::path before, after, mask, classes_before, classes_after;
};

PairPaths paths_of(int64_t index, std::string_view format);

/// True if all files of a pair exist.
bool is_complete(const std::filesystem::path& folder, const PairPaths& paths);

/// Throws Error naming the file that cannot be written.
void write_pair(const std::filesystem::path& folder, const PairPaths& paths, const SyntheticPair& pair);

/// Writes a file completely or not at all. Throws Error naming it.
void write_whole(const std::filesystem::path& path, std::string_view bytes);

}  // namespace ccexpert::synth

// Sizes and checksums of a folder's files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ccexpert::train {

struct ManifestEntry {
  std::string name;
  uint64_t bytes = 0;
  std::string xxh3;  ///< XXH3, 128 bits, hexadecimal
};

/// Reads the file as it is on disk. Throws Error where it cannot be read.
ManifestEntry manifest_entry(const std::filesystem::path& file);

/// Writes FOLDER/manifest.json.
void write_manifest(const std::filesystem::path& folder, const std::vector<ManifestEntry>& entries);

inline constexpr const char* kManifestFile = "manifest.json";

/// Those of a checkpoint that somebody copied without the optimiser's state are not there.
enum class MissingFiles { kRefuse, kPass };

/// Throws Error that names `source` where `name` could lead out of a folder.
void expect_file_name(const std::string& name, const std::string& source);

/// Returns the files that the manifest names. Throws Error naming the one that is missing, of another size,
/// or, for each of `parts` callers another share of the files, of other content.
std::vector<std::string> verify_manifest(const std::filesystem::path& folder, int part = 0, int parts = 1,
                                         MissingFiles missing = MissingFiles::kRefuse);

/// One line of text each, for ranks to tell one another.
std::string to_lines(const std::vector<ManifestEntry>& entries);
std::vector<ManifestEntry> from_lines(const std::string& lines);

}  // namespace ccexpert::train

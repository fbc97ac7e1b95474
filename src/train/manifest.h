// Manifest with sizes and checksums of a folder's files.
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

/// Reads the file from disk. Throws Error if it cannot be read.
ManifestEntry manifest_entry(const std::filesystem::path& file);

/// Writes FOLDER/manifest.json.
void write_manifest(const std::filesystem::path& folder, const std::vector<ManifestEntry>& entries);

inline constexpr const char* kManifestFile = "manifest.json";

/// Treatment of missing files. A copied checkpoint may lack the optimiser's state.
enum class MissingFiles { kRefuse, kPass };

/// Throws Error with `source` if `name` could point outside of the folder.
void expect_file_name(const std::string& name, const std::string& source);

/// Returns the files of the manifest. Throws Error with a file that is missing or of another size or content.
/// Each of `parts` callers checks the content of another share of the files.
std::vector<std::string> verify_manifest(const std::filesystem::path& folder, int part = 0, int parts = 1,
                                         MissingFiles missing = MissingFiles::kRefuse);

/// Formats one line per entry, for exchange between ranks.
std::string to_lines(const std::vector<ManifestEntry>& entries);
std::vector<ManifestEntry> from_lines(const std::string& lines);

}  // namespace ccexpert::train

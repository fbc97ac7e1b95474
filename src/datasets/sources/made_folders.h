// Image folders of a conversion, written to a temporary place and installed only on success.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ccexpert::datasets {

/// Returns their names within the output.
const std::vector<std::string>& made_folder_names();

class MadeFolders {
 public:
  /// Throws Error if no folder can be created in `output`.
  explicit MadeFolders(const std::filesystem::path& output);
  ~MadeFolders();
  MadeFolders(const MadeFolders&) = delete;
  MadeFolders& operator=(const MadeFolders&) = delete;

  /// Temporary folder that files are written to until install().
  const std::filesystem::path& folder() const { return folder_; }

  /// Returns the names of made_folder_names() that exist.
  std::vector<std::string> names() const;

  /// Swaps the new folders with the existing ones. Without a later keep(), the destructor swaps them back.
  /// Throws Error.
  void install();
  void keep() { installed_.clear(); }

 private:
  std::filesystem::path output_;
  std::filesystem::path folder_;
  std::vector<std::string> installed_;
  int descriptor_ = -1;
};

/// Removes leftovers of killed conversions.
void remove_made_leftovers(const std::filesystem::path& output);

}  // namespace ccexpert::datasets

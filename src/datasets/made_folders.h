// Folders of images that a conversion makes: aside first, in place only when it succeeds.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ccexpert::datasets {

/// Their names within the output.
const std::vector<std::string>& made_folder_names();

class MadeFolders {
 public:
  /// Throws Error where nothing can be made in `output`.
  explicit MadeFolders(const std::filesystem::path& output);
  ~MadeFolders();
  MadeFolders(const MadeFolders&) = delete;
  MadeFolders& operator=(const MadeFolders&) = delete;

  /// Where their files are written until then.
  const std::filesystem::path& folder() const { return folder_; }

  /// Those of made_folder_names() that hold something.
  std::vector<std::string> names() const;

  /// Puts what was made in place of what is there, until keep() is called: without that, what was there comes
  /// back. Throws Error.
  void install();
  void keep() { installed_.clear(); }

 private:
  std::filesystem::path output_;
  std::filesystem::path folder_;
  std::vector<std::string> installed_;
  int descriptor_ = -1;
};

/// Removes what killed conversions left.
void remove_made_leftovers(const std::filesystem::path& output);

}  // namespace ccexpert::datasets

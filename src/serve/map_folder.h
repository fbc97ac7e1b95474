// Files of a folder, by the names that clients use.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace ccexpert::serve {

class MapFolder {
 public:
  /// Throws Error unless `root` is a folder.
  explicit MapFolder(const std::filesystem::path& root);

  const std::filesystem::path& root() const { return root_; }
  /// Returns the file of a name relative to the folder, as "2018/north.tif", with links followed. Throws
  /// Error, beginning with `what`, unless it is a file below the folder: the error is the same for a file
  /// that does not exist and for one outside.
  std::filesystem::path file(const std::string& name, std::string_view what) const;
  /// Returns the name of a file below the folder.
  std::string name_of(const std::filesystem::path& file) const;
  /// Returns a text without the path of the folder, and without all from another absolute path on.
  std::string shown(std::string text) const;

 private:
  std::filesystem::path root_;
};

}  // namespace ccexpert::serve

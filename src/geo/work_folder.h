// Folder for files under construction.
#pragma once

#include <filesystem>

namespace ccexpert::geo {

/// New folder beside a file, which is removed at the end; removes those of killed processes.
class WorkFolder {
 public:
  explicit WorkFolder(const std::filesystem::path& output);
  ~WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// Moves all files to the folder that it is in; each appears whole. Throws Error if one cannot be written.
  void move_files() const;

 private:
  std::filesystem::path path_;
};

}  // namespace ccexpert::geo

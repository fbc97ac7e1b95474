// File that one process appends to.
#pragma once

#include <filesystem>
#include <string_view>

namespace ccexpert::geo {

/// True if a path is still the name of an open file, which another process may have removed or replaced.
bool is_at(int descriptor, const std::filesystem::path& path);

/// File of lines that are safe on disk as soon as they are written. No other process can write it until this
/// object is destroyed.
class AppendFile {
 public:
  /// Opens or makes a file. Throws Error if it cannot be written, or if another process is writing it.
  explicit AppendFile(const std::filesystem::path& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  bool is_empty() const;

  /// Cuts the file to a length, from which it grows.
  void cut(std::streamoff bytes);
  void append(std::string_view text);

 private:
  void lock() const;

  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace ccexpert::geo

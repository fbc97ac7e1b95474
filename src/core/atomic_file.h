// Files that are written completely or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace ccexpert {

/// Writes bytes to a temporary file next to `path`; `commit` flushes it to disk and renames it. Without a
/// commit, the temporary file is removed and an existing file stays unchanged. If `path` is a link, its
/// target is replaced. The temporary file is new and has an unpredictable name; those of killed processes are
/// removed before the first file that a process writes in a folder. Throws Error naming `path` if the system
/// refuses, or if something other than a regular file is at `path`.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

  /// Path of the temporary file, which has the bytes until `commit`.
  const std::filesystem::path& temporary() const { return temporary_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_;
};

/// Makes renames within a folder safe on disk.
void flush_folder(const std::filesystem::path& folder);

/// Returns a new path next to `path` for a file or folder under construction: "PATH.tmp12-0123456789abcdef",
/// with the number of this process and a random number.
std::filesystem::path temporary_beside(const std::filesystem::path& path);

/// Marks an open file as being written until it is closed, however the process ends.
void mark_in_use(int descriptor);

/// Removes the temporary files and folders of `path` that killed processes left: no process of this machine
/// has their number, and no process of any machine has them locked.
void remove_leftovers(const std::filesystem::path& path);

}  // namespace ccexpert

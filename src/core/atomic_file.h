// Files that appear whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace ccexpert {

/// Bytes go to a temporary file beside `path`; `commit` flushes it to disk and renames it. Without a commit,
/// nothing is left behind and an existing file stays as it was. Where `path` is a link, the file it leads to
/// is replaced. The temporary file is new, under a name that nobody can foresee; those of killed processes
/// are removed before the first file that a process writes in a folder. Throws Error naming `path` where the
/// system refuses, or a folder or a device stands there.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  void commit();

  /// Where the bytes are until then.
  const std::filesystem::path& temporary() const { return temporary_; }

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_;
};

/// Makes renames within a folder safe on disk.
void flush_folder(const std::filesystem::path& folder);

/// A new name beside `path` under which this process makes what is to stand there:
/// "PATH.tmp12-0123456789abcdef" with its number and a random one.
std::filesystem::path temporary_beside(const std::filesystem::path& path);

/// Marks what is open as being written, until it is closed, by whatever way the process ends.
void mark_in_use(int descriptor);

/// Removes the temporary files and folders of `path` that killed processes left: no process of this machine
/// has their number, and none of any machine has them marked.
void remove_leftovers(const std::filesystem::path& path);

}  // namespace ccexpert

// Files that can be read to their end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include <sys/types.h>

namespace ccexpert {

/// Returns the kind of file of a mode of ::stat, for messages: "a regular file", "a folder", "a pipe", "a
/// socket" or "a device".
std::string_view kind_of(mode_t mode);

/// Policy for pipes and terminals, which may have no end; opening a named pipe waits for its writer.
enum class Pipes { kRefuse, kOpen };

/// File that is open for reading; the destructor closes it.
class RegularFile {
 public:
  /// Throws Error naming `path`, with the system's reason, if it cannot be opened or is not a regular file;
  /// Pipes::kOpen also accepts a pipe or a character device.
  explicit RegularFile(const std::filesystem::path& path, Pipes pipes = Pipes::kRefuse);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  int descriptor() const { return descriptor_; }
  /// Size at the time of opening; 0 for a pipe.
  uint64_t size() const { return size_; }
  bool is_pipe() const { return is_pipe_; }

 private:
  int descriptor_;
  uint64_t size_ = 0;
  bool is_pipe_ = false;
};

}  // namespace ccexpert

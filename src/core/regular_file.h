// Opening what may be read to its end.
#pragma once

#include <cstdint>
#include <filesystem>

namespace ccexpert {

/// Pipes and terminals may have no end, and opening a named pipe waits for its writer.
enum class Pipes { kRefuse, kOpen };

/// A file that is open for reading, closed on every way out.
class RegularFile {
 public:
  /// Throws Error naming `path`, with the system's reason, if it cannot be opened or is not a regular file;
  /// with Pipes::kOpen it may be a pipe or a character device, too.
  explicit RegularFile(const std::filesystem::path& path, Pipes pipes = Pipes::kRefuse);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  int descriptor() const { return descriptor_; }
  /// At the time of opening; 0 for a pipe.
  uint64_t size() const { return size_; }
  bool is_pipe() const { return is_pipe_; }

 private:
  int descriptor_;
  uint64_t size_ = 0;
  bool is_pipe_ = false;
};

}  // namespace ccexpert

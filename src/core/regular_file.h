// Opening what may be read to its end.
#pragma once

#include <cstdint>
#include <filesystem>

namespace ccexpert {

/// A file that is open for reading, closed on every way out.
class RegularFile {
 public:
  /// Throws Error naming `path`, with the system's reason, if it cannot be opened or is not a regular file: a
  /// device or a pipe may have no end.
  explicit RegularFile(const std::filesystem::path& path);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  int descriptor() const { return descriptor_; }
  /// At the time of opening.
  uint64_t size() const { return size_; }

 private:
  int descriptor_;
  uint64_t size_ = 0;
};

}  // namespace ccexpert

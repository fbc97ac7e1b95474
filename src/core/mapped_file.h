// A file mapped into memory, read-only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "core/mapped_guard.h"

namespace ccexpert {

class MappedFile {
 public:
  /// Maps a regular file. Throws Error naming it if it cannot be opened, is not a regular file, or cannot be
  /// mapped.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  /// Throws Error if lost bytes were read after the file was truncated or its disk failed: such a read
  /// returns zeros. Call this after reading and before the bytes are used or shown.
  void expect_whole() const;

  /// Returns the whole pages inside [offset, offset + bytes) to the system; a later read loads them from the
  /// file again.
  void release(uint64_t offset, uint64_t bytes) const;

 private:
  MappedFile(std::filesystem::path path, const std::byte* data, uint64_t size);

  std::filesystem::path path_;
  const std::byte* data_;
  uint64_t size_;
  std::optional<MappedGuard> guard_;
};

}  // namespace ccexpert

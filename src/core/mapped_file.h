// A file mapped into memory, read-only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace ccexpert {

class MappedFile {
 public:
  /// Maps a regular file. Throws Error naming it where it cannot be opened, is no regular file, or cannot be
  /// mapped.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  /// Gives the whole pages inside [offset, offset + bytes) back to the system; reading them again reads the
  /// file.
  void release(uint64_t offset, uint64_t bytes) const;

 private:
  MappedFile(std::filesystem::path path, const std::byte* data, uint64_t size);

  std::filesystem::path path_;
  const std::byte* data_;
  uint64_t size_;
};

}  // namespace ccexpert

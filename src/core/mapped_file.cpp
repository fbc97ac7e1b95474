#include "core/mapped_file.h"

#include <cerrno>

#include <sys/mman.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/regular_file.h"

namespace ccexpert {

MappedFile::MappedFile(std::filesystem::path path, const std::byte* data, uint64_t size)
    : path_(std::move(path)), data_(data), size_(size) {
  if (data_ != nullptr) guard_.emplace(data_, size_);
}

MappedFile::~MappedFile() {
  guard_.reset();
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const RegularFile file(path);
  if (file.size() == 0) return std::shared_ptr<const MappedFile>(new MappedFile(path, nullptr, 0));
  void* data = ::mmap(nullptr, file.size(), PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
  if (data == MAP_FAILED) fail_system(path.string(), "cannot be mapped into memory", errno);
  const auto* bytes = static_cast<const std::byte*>(data);
  return std::shared_ptr<const MappedFile>(new MappedFile(path, bytes, file.size()));
}

void MappedFile::expect_whole() const {
  if (guard_ && guard_->is_broken())
    fail(path_.string(), "became shorter, or could not be read, while it was in use",
         "a file that is loaded must not be changed; write a new one and rename it");
}

void MappedFile::release(uint64_t offset, uint64_t bytes) const {
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const uint64_t begin = (offset + page - 1) / page * page;
  const uint64_t end = (offset + bytes) / page * page;
  // The system may ignore the advice without harm: the pages then stay until it needs the memory.
  if (begin < end) ::madvise(const_cast<std::byte*>(data_) + begin, end - begin, MADV_DONTNEED);
}

}  // namespace ccexpert

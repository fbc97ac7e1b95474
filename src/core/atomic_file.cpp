#include "core/atomic_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

namespace ccexpert {

namespace {

namespace fs = std::filesystem;

/// What a rename is to replace. A device would be replaced by a file, and a link by what it should lead to.
fs::path replaceable(const fs::path& path) {
  std::error_code code;
  const auto status = fs::status(path, code);
  if (!code && fs::exists(status) && !fs::is_regular_file(status))
    fail({path.string(), "a regular file", "a folder or a device"});
  return fs::is_symlink(path, code) && fs::exists(status) ? fs::canonical(path) : path;
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path)
    : path_(replaceable(path)), temporary_(fmt::format("{}.tmp{}", path_.string(), ::getpid())) {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(path_.string(), "cannot be written", std::strerror(errno));
  // What was not for everybody's eyes stays so. Where that is refused, the folder's rules hold.
  struct stat replaced {};
  if (::stat(path_.c_str(), &replaced) == 0)
    static_cast<void>(::fchmod(descriptor_, replaced.st_mode & 07777));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(const void* data, size_t bytes) {
  const auto* next = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = ::write(descriptor_, next, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_.string(), "cannot be written", std::strerror(errno));
    next += written;
    bytes -= static_cast<size_t>(written);
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail(path_.string(), "cannot be flushed to disk", std::strerror(errno));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    fail(path_.string(), "cannot be renamed into place", std::strerror(errno));
  }
  ::close(descriptor_);
  descriptor_ = -1;
  // The rename itself is only safe on disk once its folder is.
  flush_folder(path_.has_parent_path() ? path_.parent_path() : std::filesystem::path("."));
}

void flush_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace ccexpert

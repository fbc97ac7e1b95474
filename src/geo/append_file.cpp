#include "geo/append_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

namespace ccexpert::geo {

AppendFile::AppendFile(const std::filesystem::path& path)
    : path_(path), descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail_system(path.string(), "cannot be written", errno);
  try {
    lock();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

AppendFile::~AppendFile() {
  ::close(descriptor_);
}

bool is_at(int descriptor, const std::filesystem::path& path) {
  struct stat held {};
  struct stat there {};
  return ::fstat(descriptor, &held) == 0 && ::stat(path.c_str(), &there) == 0 &&
         held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

void AppendFile::lock() const {
  const bool mine = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
  // A run that ends at this moment removes the file that was opened here.
  if (!mine || !is_at(descriptor_, path_)) fail(path_.string(), "is being written by another process");
}

bool AppendFile::is_empty() const {
  return std::filesystem::file_size(path_) == 0;
}

void AppendFile::cut(std::streamoff bytes) {
  if (::ftruncate(descriptor_, bytes) != 0 || ::lseek(descriptor_, 0, SEEK_END) < 0)
    fail_system(path_.string(), "cannot be written", errno);
}

void AppendFile::append(std::string_view text) {
  size_t done = 0;
  while (done < text.size()) {
    const auto written = ::write(descriptor_, text.data() + done, text.size() - done);
    if (written < 0 && errno != EINTR) fail_system(path_.string(), "cannot be written", errno);
    if (written > 0) done += static_cast<size_t>(written);
  }
  if (::fdatasync(descriptor_) != 0) fail_system(path_.string(), "cannot be written", errno);
}

}  // namespace ccexpert::geo

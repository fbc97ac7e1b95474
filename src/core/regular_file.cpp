#include "core/regular_file.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

namespace ccexpert {
namespace {

bool may_be_read_as_pipe(mode_t mode) {
  return S_ISFIFO(mode) || S_ISCHR(mode);
}

}  // namespace

std::string_view kind_of(mode_t mode) {
  if (S_ISREG(mode)) return "a regular file";
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

RegularFile::RegularFile(const std::filesystem::path& path, Pipes pipes) {
  struct stat status {};
  is_pipe_ =
      pipes == Pipes::kOpen && ::stat(path.c_str(), &status) == 0 && may_be_read_as_pipe(status.st_mode);
  // O_NONBLOCK: opening a named pipe would otherwise wait for its writer.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (is_pipe_ ? 0 : O_NONBLOCK));
  const bool known = descriptor_ >= 0 && ::fstat(descriptor_, &status) == 0;
  const int reason = errno;
  if (known && is_pipe_ && may_be_read_as_pipe(status.st_mode)) return;
  if (known && S_ISREG(status.st_mode)) {
    size_ = static_cast<uint64_t>(status.st_size);
    is_pipe_ = false;
    return;
  }
  if (descriptor_ >= 0) ::close(descriptor_);
  // A socket cannot be opened at all.
  if (known || reason == ENXIO)
    fail_expected({path.string(), "a regular file", known ? kind_of(status.st_mode) : kind_of(S_IFSOCK)});
  fail_system(path.string(), "cannot be opened", reason);
}

RegularFile::~RegularFile() {
  ::close(descriptor_);
}

}  // namespace ccexpert

#include "core/regular_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

namespace ccexpert {

RegularFile::RegularFile(const std::filesystem::path& path)
    // O_NONBLOCK: opening a named pipe would otherwise wait for somebody to write into it.
    : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status {};
  const bool known = descriptor_ >= 0 && ::fstat(descriptor_, &status) == 0;
  const int reason = errno;
  if (known && S_ISREG(status.st_mode)) {
    size_ = static_cast<uint64_t>(status.st_size);
    return;
  }
  if (descriptor_ >= 0) ::close(descriptor_);
  // A socket cannot be opened at all.
  if (known || reason == ENXIO) fail({path.string(), "a regular file", "a folder or a device"});
  fail(path.string(), "cannot be opened", std::strerror(reason));
}

RegularFile::~RegularFile() {
  ::close(descriptor_);
}

}  // namespace ccexpert

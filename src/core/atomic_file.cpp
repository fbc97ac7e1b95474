#include "core/atomic_file.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
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

/// The number of the process behind "NAME.tmp"; nothing for another name.
std::optional<pid_t> writer_of(const std::string& name, const std::string& prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  pid_t process = 0;
  const auto* end = name.data() + name.size();
  const auto [stop, problem] = std::from_chars(name.data() + prefix.size(), end, process);
  return problem == std::errc() && stop == end && process > 0 ? std::optional(process) : std::nullopt;
}

bool is_running(pid_t process) {
  return ::kill(process, 0) == 0 || errno != ESRCH;
}

/// Whether no process of any machine has it marked. Where a file system knows no marks, it stays.
bool is_abandoned(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return false;
  const bool free = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  ::close(descriptor);
  return free;
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) : path_(replaceable(path)), temporary_(temporary_beside(path_)) {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(path_.string(), "cannot be written", std::strerror(errno));
  // What was not for everybody's eyes stays so. Where that is refused, the folder's rules hold.
  struct stat replaced {};
  if (::stat(path_.c_str(), &replaced) == 0)
    static_cast<void>(::fchmod(descriptor_, replaced.st_mode & 07777));
  mark_in_use(descriptor_);
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

fs::path temporary_beside(const fs::path& path) {
  return fmt::format("{}.tmp{}", path.string(), ::getpid());
}

void mark_in_use(int descriptor) {
  // Numbers of processes come again, and those of other machines say nothing here; a lock tells both.
  ::flock(descriptor, LOCK_EX | LOCK_NB);
}

void remove_leftovers(const fs::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const auto prefix = path.filename().string() + ".tmp";
  std::error_code code;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator each(folder, code), end; !code && each != end; each.increment(code)) {
    const auto writer = writer_of(each->path().filename().string(), prefix);
    if (writer && !is_running(*writer) && is_abandoned(each->path())) leftovers.push_back(each->path());
  }
  for (const auto& leftover : leftovers) fs::remove_all(leftover, code);
}

}  // namespace ccexpert

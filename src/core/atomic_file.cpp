#include "core/atomic_file.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/regular_file.h"

namespace ccexpert {

namespace {

namespace fs = std::filesystem;

/// Returns the file that a rename to `path` must replace. A rename would replace a device with a file, and a
/// link instead of its target.
fs::path replaceable(const fs::path& path) {
  struct stat status {};
  const bool is_there = ::stat(path.c_str(), &status) == 0;
  if (is_there && !S_ISREG(status.st_mode))
    fail_expected({path.string(), "a regular file", kind_of(status.st_mode)});
  std::error_code code;
  if (!fs::is_symlink(path, code) || !is_there) return path;
  const auto target = fs::canonical(path, code);
  if (code) fail_system(path.string(), "cannot be written", code.value());
  return target;
}

/// Parts of the name of a temporary file, "NAME.tmp12-0123456789abcdef": NAME, the process that writes it,
/// and whether it has a random number. Earlier versions wrote no number after the process.
struct Temporary {
  std::string target;
  pid_t writer = 0;
  bool numbered = false;
};

/// Parses a file name; nullopt if it is not the name of a temporary file.
std::optional<Temporary> as_temporary(const std::string& name) {
  const auto mark = name.rfind(".tmp");
  if (mark == std::string::npos) return std::nullopt;
  Temporary result{.target = name.substr(0, mark)};
  const auto* end = name.data() + name.size();
  const auto [stop, problem] = std::from_chars(name.data() + mark + 4, end, result.writer);
  if (problem != std::errc() || result.writer <= 0) return std::nullopt;
  const std::string_view rest(stop, end);
  result.numbered = rest.size() == 17 && rest[0] == '-' &&
                    rest.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
  return rest.empty() || result.numbered ? std::optional(result) : std::nullopt;
}

bool is_running(pid_t process) {
  return ::kill(process, 0) == 0 || errno != ESRCH;
}

/// True if no process on any machine has it locked. On a file system without locks, this is false and the
/// file stays. A link cannot be locked; a running process renames it at once.
bool is_abandoned(const fs::path& path) {
  std::error_code code;
  if (fs::is_symlink(path, code)) return true;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return false;
  const bool free = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  ::close(descriptor);
  return free;
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

/// Removes the temporary files of killed processes in `folder` for which `meant` is true.
template <class Meant>
void remove_temporaries(const fs::path& folder, Meant&& meant) {
  std::error_code code;
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator each(folder, code), end; !code && each != end; each.increment(code)) {
    const auto found = as_temporary(each->path().filename().string());
    if (found && meant(*found) && !is_running(found->writer) && is_abandoned(each->path()))
      leftovers.push_back(each->path());
  }
  for (const auto& leftover : leftovers) fs::remove_all(leftover, code);
}

/// Called before the first file that this process writes in a folder: a check before each of many files would
/// be slow.
void tidy_once(const fs::path& folder) {
  static std::mutex mutex;
  static std::set<fs::path> tidied;
  {
    const std::lock_guard lock(mutex);
    if (!tidied.insert(folder).second) return;
  }
  remove_temporaries(folder, [](const Temporary& found) { return found.numbered; });
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) : path_(replaceable(path)), temporary_(temporary_beside(path_)) {
  tidy_once(folder_of(path_));
  // O_EXCL and O_NOFOLLOW: the file is always new, and never a link that somebody else created.
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_system(path_.string(), "cannot be written", errno);
  // A replaced file with restricted permissions keeps them. If fchmod fails, the folder's defaults apply.
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
    if (written < 0) fail_system(path_.string(), "cannot be written", errno);
    next += written;
    bytes -= static_cast<size_t>(written);
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail_system(path_.string(), "cannot be flushed to disk", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    fail_system(path_.string(), "cannot be renamed into place", errno);
  }
  ::close(descriptor_);
  descriptor_ = -1;
  // The rename is safe on disk only after its folder is flushed.
  flush_folder(folder_of(path_));
}

void flush_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

fs::path temporary_beside(const fs::path& path) {
  static thread_local std::random_device random;
  const auto number = uint64_t{random()} << 32 | random();
  return fmt::format("{}.tmp{}-{:016x}", path.string(), ::getpid(), number);
}

void mark_in_use(int descriptor) {
  // Process numbers are reused, and those of other machines are unknown here; a lock covers both cases.
  ::flock(descriptor, LOCK_EX | LOCK_NB);
}

void remove_leftovers(const fs::path& path) {
  const auto target = path.filename().string();
  remove_temporaries(folder_of(path), [&](const Temporary& found) { return found.target == target; });
}

}  // namespace ccexpert

#include "geo/work_folder.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/atomic_file.h"
#include "core/files.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;

void flush_file(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool flushed = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int code = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!flushed) fail_system(path.string(), "cannot be written", code);
}

}  // namespace

WorkFolder::WorkFolder(const fs::path& output) {
  remove_leftovers(output);
  path_ = temporary_beside(output);
  make_folder(path_);
}

WorkFolder::~WorkFolder() {
  std::error_code code;
  fs::remove_all(path_, code);
}

void WorkFolder::move_files() const {
  const auto to = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  for (const auto& entry : fs::directory_iterator(path_)) {
    flush_file(entry.path());
    const auto result = to / entry.path().filename();
    std::error_code code;
    fs::rename(entry.path(), result, code);
    if (code) fail_system(result.string(), "cannot be written", code.value());
  }
  flush_folder(to);
}

}  // namespace ccexpert::geo

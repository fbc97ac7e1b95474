#include "core/files.h"

#include <cerrno>

#include <fmt/format.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/atomic_file.h"
#include "core/regular_file.h"

namespace ccexpert {

namespace {

namespace fs = std::filesystem;

/// Returns the type of the file at `path`. Throws Error if the system cannot tell, so that it does not count
/// as absent.
fs::file_type type_of(const fs::path& path) {
  std::error_code code;
  const auto status = fs::status(path, code);
  if (code && status.type() != fs::file_type::not_found)
    fail_system(path.string(), "cannot be accessed", code.value());
  return status.type();
}

/// Reads until `bytes` is full or the file ends; returns the number of bytes read.
size_t read_all(int descriptor, std::string& bytes, const fs::path& path) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(descriptor, bytes.data() + done, bytes.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_system(path.string(), "cannot be read", errno);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

}  // namespace

bool is_there(const fs::path& path) {
  return type_of(path) != fs::file_type::not_found;
}

bool is_file(const fs::path& path) {
  return type_of(path) == fs::file_type::regular;
}

bool is_folder(const fs::path& path) {
  return type_of(path) == fs::file_type::directory;
}

std::string read_file(const fs::path& path, size_t limit) {
  const RegularFile file(path);
  if (file.size() > limit)
    fail_expected(
        {path.string(), fmt::format("at most {} bytes", limit), fmt::format("{} bytes", file.size())});
  std::string bytes(file.size(), '\0');
  if (read_all(file.descriptor(), bytes, path) < bytes.size())
    fail(path.string(), "cannot be read", "it was truncated during reading");
  return bytes;
}

void expect_writable(const std::filesystem::path& path) {
  const AtomicFile never_committed(path);
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void make_folder(const fs::path& folder) {
  if (folder.empty()) return;
  std::error_code code;
  fs::create_directories(folder, code);
  if (is_folder(folder)) return;
  if (is_there(folder)) fail_expected({folder.string(), "a folder", "a file"});
  fail_system(folder.string(), "cannot be created", code.value());
}

}  // namespace ccexpert

#include "core/files.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/atomic_file.h"

namespace ccexpert {

std::string read_file(const std::filesystem::path& path, size_t limit) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) fail(path.string(), "cannot be opened", "no such file");
  // A device or a pipe may have no end.
  if (!std::filesystem::is_regular_file(status))
    fail({path.string(), "a regular file", "a folder or a device"});
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  const auto size = std::filesystem::file_size(path, code);
  if (!stream || code) fail(path.string(), "cannot be opened", std::strerror(errno));
  if (size > limit)
    fail({path.string(), fmt::format("at most {} bytes", limit), fmt::format("{} bytes", size)});
  std::string bytes(size, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(size));
  if (static_cast<size_t>(stream.gcount()) != size)
    fail(path.string(), "cannot be read", "it became shorter");
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

void make_folder(const std::filesystem::path& folder) {
  std::error_code code, ignored;
  if (folder.empty()) return;
  std::filesystem::create_directories(folder, code);
  if (std::filesystem::is_directory(folder, ignored)) return;
  if (std::filesystem::exists(folder, ignored)) fail({folder.string(), "a folder", "a file"});
  fail(folder.string(), "cannot be made", code.message());
}

}  // namespace ccexpert

#include "core/files.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert {

std::string read_file(const std::filesystem::path& path, size_t limit) {
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) fail({path.string(), "a file", "a folder"});
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail(path.string(), "cannot be opened", std::strerror(errno));
  const auto size = std::filesystem::file_size(path, code);
  if (!code && size > limit) {
    fail({path.string(), fmt::format("at most {} bytes", limit), fmt::format("{} bytes", size)});
  }
  std::string bytes(std::istreambuf_iterator<char>(stream), {});
  if (stream.bad()) fail(path.string(), "cannot be read", std::strerror(errno));
  return bytes;
}

}  // namespace ccexpert

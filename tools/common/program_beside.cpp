#include "common/program_beside.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;

std::array<fs::path, 2> places_of(const std::string& name) {
  constexpr const char* kSelf = "/proc/self/exe";
  std::error_code code;
  const auto folder = fs::read_symlink(kSelf, code).parent_path();
  if (code) fail_system(kSelf, "cannot be read", code.value());
  return {folder / name, folder.parent_path() / CCEXPERT_LIBEXEC / name};
}

}  // namespace

void become_program_beside(const std::string& name, char* const* arguments) {
  const auto places = places_of(name);
  for (const auto& place : places) {
    execv(place.c_str(), arguments);
    if (errno != ENOENT && errno != ENOTDIR) fail_system(place.string(), "cannot be run", errno);
  }
  const auto& [first, second] = places;
  fail_expected(
      {name,
       fmt::format("the program in {} or {}", first.parent_path().string(), second.parent_path().string()),
       "none", "install ccexpert as a whole"});
}

}  // namespace ccexpert::tools

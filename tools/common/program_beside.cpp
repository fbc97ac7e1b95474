#include "common/program_beside.h"

#include <array>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;

std::array<fs::path, 2> places_of(const std::string& name) {
  std::error_code code;
  const auto folder = fs::read_symlink("/proc/self/exe", code).parent_path();
  return {folder / name, folder.parent_path() / CCEXPERT_LIBEXEC / name};
}

}  // namespace

void become_program_beside(const std::string& name, char* const* arguments) {
  for (const auto& place : places_of(name)) execv(place.c_str(), arguments);
}

void fail_no_program_beside(const std::string& name) {
  const auto [first, second] = places_of(name);
  fail_expected(
      {name,
       fmt::format("the program in {} or {}", first.parent_path().string(), second.parent_path().string()),
       "none", "install ccexpert as a whole"});
}

}  // namespace ccexpert::tools

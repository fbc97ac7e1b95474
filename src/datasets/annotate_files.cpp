#include "datasets/annotate_files.h"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <string>
#include <vector>

#include <unistd.h>

#include <ccexpert/core/error.h>

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;

bool is_dead(const std::string& process) {
  pid_t id = 0;
  const auto* end = process.data() + process.size();
  const auto [rest, problem] = std::from_chars(process.data(), end, id);
  if (problem != std::errc() || rest != end || id <= 0) return false;
  return id == ::getpid() || (::kill(id, 0) != 0 && errno == ESRCH);
}

}  // namespace

void make_folder_of(const fs::path& file) {
  const auto folder = file.parent_path();
  std::error_code code;
  if (!folder.empty()) fs::create_directories(folder, code);
  if (code) fail(folder.string(), "cannot be made", code.message());
}

void remove_leftovers(const fs::path& file) {
  const auto start = file.filename().string() + ".tmp";
  const auto folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  std::error_code code;
  std::vector<fs::path> leftovers;
  for (const auto& each : fs::directory_iterator(folder, code)) {
    const auto name = each.path().filename().string();
    if (name.starts_with(start) && is_dead(name.substr(start.size()))) leftovers.push_back(each.path());
  }
  for (const auto& each : leftovers) fs::remove(each, code);
}

}  // namespace ccexpert::datasets

#include "datasets/sources/made_folders.h"

#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "core/atomic_file.h"
#include "core/files.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAside = "conversion";

void move_to(const fs::path& from, const fs::path& to) {
  std::error_code code;
  fs::rename(from, to, code);
  if (code) fail_system(to.string(), "cannot be moved into place", code.value());
}

/// Exchanges two places, atomically if the file system supports it.
void trade(const fs::path& made, const fs::path& place) {
  if (!is_there(place)) return move_to(made, place);
  if (!is_there(made)) return move_to(place, made);
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) == 0) return;
  const fs::path aside = made.string() + ".aside";
  move_to(place, aside);
  move_to(made, place);
  move_to(aside, made);
}

}  // namespace

const std::vector<std::string>& made_folder_names() {
  static const std::vector<std::string> names{"crops", "maps"};
  return names;
}

MadeFolders::MadeFolders(const fs::path& output)
    : output_(output), folder_(temporary_beside(output / kAside)) {
  std::error_code code;
  fs::create_directories(folder_, code);
  if (code) fail_system(folder_.string(), "cannot be created", code.value());
  descriptor_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ >= 0) mark_in_use(descriptor_);
}

MadeFolders::~MadeFolders() {
  for (const auto& name : installed_) {
    try {
      trade(folder_ / name, output_ / name);
    } catch (const Error& error) {
      log::error(error.what());
    }
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::vector<std::string> MadeFolders::names() const {
  std::vector<std::string> names;
  for (const auto& name : made_folder_names()) {
    if (is_there(folder_ / name)) names.push_back(name);
  }
  return names;
}

void MadeFolders::install() {
  for (const auto& name : names()) {
    trade(folder_ / name, output_ / name);
    installed_.push_back(name);
  }
  flush_folder(output_);
}

void remove_made_leftovers(const fs::path& output) {
  remove_leftovers(output / kAside);
}

}  // namespace ccexpert::datasets

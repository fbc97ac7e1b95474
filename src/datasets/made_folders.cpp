#include "datasets/made_folders.h"

#include <fcntl.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/atomic_file.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAside = "conversion";

void move_to(const fs::path& from, const fs::path& to) {
  std::error_code code;
  fs::rename(from, to, code);
  if (code) fail(to.string(), "cannot be moved into place", code.message());
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
  if (code) fail(folder_.string(), "cannot be made", code.message());
  descriptor_ = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ >= 0) mark_in_use(descriptor_);
}

MadeFolders::~MadeFolders() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void MadeFolders::install() const {
  for (const auto& name : made_folder_names()) {
    std::error_code code;
    // What was there goes with this folder.
    if (fs::exists(output_ / name, code)) move_to(output_ / name, folder_ / ("earlier-" + name));
    if (fs::exists(folder_ / name, code)) move_to(folder_ / name, output_ / name);
  }
  flush_folder(output_);
}

void remove_made_leftovers(const fs::path& output) {
  remove_leftovers(output / kAside);
}

}  // namespace ccexpert::datasets

#include "fuzz/fuzz.h"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ccexpert/core/log.h>

#include "core/printable.h"
#include "core/utf8.h"

namespace ccexpert::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolderName = "ccexpert-fuzz-";

bool runs(std::string_view process) {
  pid_t id = 0;
  const auto [end, error] = std::from_chars(process.data(), process.data() + process.size(), id);
  const bool number = error == std::errc() && end == process.data() + process.size() && id > 0;
  return !number || ::kill(id, 0) == 0 || errno != ESRCH;
}

/// Processes that end by a finding or a signal do not remove their folder.
void remove_leftovers(const fs::path& root) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(root, ignored)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(kFolderName) && !runs(std::string_view(name).substr(kFolderName.size())))
      fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

void find(std::string_view what) {
  std::fprintf(stderr, "finding: %s\n", printable(what).c_str());
  std::abort();
}

void expect_showable(std::string_view text) {
  expect(!text.empty(), "the text of an Error is empty");
  expect(text.size() <= kLongestError, "the text of an Error is too long");
  expect(first_invalid_utf8(text) == std::string_view::npos, "the text of an Error is not UTF-8");
  expect(printable(text) == text, fmt::format("the text of an Error is not printable: {}", text));
}

std::vector<std::string_view> parts_of(std::string_view input, size_t count) {
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < count) {
    const auto end = input.find(kNextFile);
    parts.push_back(input.substr(0, end));
    input = end == std::string_view::npos ? std::string_view() : input.substr(end + kNextFile.size());
  }
  parts.push_back(input);
  return parts;
}

const Folder& Folder::shared() {
  static const Folder folder;
  return folder;
}

Folder::Folder() {
  std::error_code code;
  const fs::path memory = "/dev/shm";
  const auto root = ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
  remove_leftovers(root);
  path_ = root / fmt::format("{}{}", kFolderName, ::getpid());
  fs::remove_all(path_, code);
  fs::create_directories(path_);
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path Folder::write(std::string_view name, std::string_view bytes) const {
  const auto path = path_ / name;
  int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) {
    fs::create_directories(path.parent_path());
    file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  }
  if (::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  ::close(file);
  return path;
}

fs::path Folder::write_or_remove(std::string_view name, std::string_view bytes) const {
  if (!bytes.empty()) return write(name, bytes);
  std::error_code ignored;
  fs::remove(path_ / name, ignored);
  return path_ / name;
}

}  // namespace ccexpert::fuzz

// No header declares it.
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments);

/// Called once by libFuzzer. Warnings about inputs would hide its own output.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  ccexpert::log::set_level(ccexpert::log::Level::kOff);
  return 0;
}

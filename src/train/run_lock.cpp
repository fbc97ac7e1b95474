#include "train/run_lock.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

namespace ccexpert::train {
namespace {

std::string own_text() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("process {} on {} since {:%Y-%m-%d %H:%M:%S} UTC", ::getpid(), host.data(),
                     fmt::gmtime(std::time(nullptr)));
}

/// Returns the holder's text as one printable line.
std::string holder(int descriptor) {
  std::array<char, 512> text{};
  const auto count = ::pread(descriptor, text.data(), text.size(), 0);
  std::string line(text.data(), count > 0 ? static_cast<size_t>(count) : 0);
  line = line.substr(0, line.find('\n'));
  return line.empty() ? "another process" : line;
}

void write_text(int descriptor, const std::string& text) {
  const bool done = ::ftruncate(descriptor, 0) == 0 &&
                    ::pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  if (!done) log::warning(fmt::format("the lock of the run cannot be written: {}", std::strerror(errno)));
}

}  // namespace

RunLock::RunLock(const std::filesystem::path& folder)
    : descriptor_(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666)) {
  const auto path = (folder / "lock").string();
  if (descriptor_ < 0) fail_system(path, "cannot be opened", errno);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) {
    write_text(descriptor_, own_text() + "\n");
    return;
  }
  if (errno != EWOULDBLOCK) {
    log::warning(
        fmt::format("{}: {}; nothing prevents a second training in this folder", path, std::strerror(errno)));
    return;
  }
  const auto other = holder(descriptor_);
  ::close(descriptor_);
  fail(folder.string(), fmt::format("another training writes here ({})", other),
       "wait for its end, or use another output");
}

RunLock::~RunLock() {
  ::close(descriptor_);
}

}  // namespace ccexpert::train
